/*! growthbench.js 0.1.0 | Apache-2.0 | events to growthbench, from browsers and Node, in one file without dependencies.
 *
 * Whatever happens in here stays in here: no call throws into the page, none waits. What goes wrong is told to
 * `onError` and counted. See README.md beside this file.
 */
(function (root, make) {
  "use strict";
  const isModule = typeof module === "object" && module !== null && typeof module.exports === "object";
  let sdk;
  try {
    sdk = make(root);
  } catch (error) {
    return; // a page without us is better than a broken page
  }
  if (isModule) {
    module.exports = sdk;
    sdk.default = sdk;
    return;
  }
  if (typeof define === "function" && define.amd) define([], () => sdk);
  const early = root.marketingSDK; // the stub of the snippet, with the calls made while this file was on its way
  root.marketingSDK = sdk;
  const script = root.document && root.document.currentScript;
  if (script && script.dataset && script.dataset.apiKey) {
    const data = script.dataset;
    sdk.init({
      apiKey: data.apiKey,
      appId: data.appId,
      host: data.host || new URL(script.src, root.location.href).origin,
      requireConsent: "requireConsent" in data && data.requireConsent !== "false",
      pageViews: data.pageViews !== "false",
    });
  }
  if (early && Array.isArray(early.q)) {
    early.q.forEach((call) => typeof sdk[call[0]] === "function" && sdk[call[0]](...call[1]));
  }
})(typeof globalThis === "object" ? globalThis : self, function (root) {
  "use strict";

  const VERSION = "0.1.0";
  const MAX_BATCH = 100;
  const MAX_BATCH_BYTES = 500000;
  const MAX_MESSAGE_BYTES = 32 * 1024;
  const MAX_BEACON_BYTES = 60000; // browsers allow 64 KiB for all beacons under way
  const MAX_ANSWER_BYTES = 1000000;
  const LONGEST_RETRY_AFTER_MS = 300000;
  const BEAT_MS = 5000;
  const DEAD_AFTER_MS = 15000;
  const REFUSED = [400, 413, 422]; // the message itself is at fault; every other status may pass
  const inBrowser = typeof root.window === "object" && root.window !== null && typeof root.document === "object";

  // ---------------------------------------------------------------------------------------- small helpers
  function uuid() {
    const source = root.crypto;
    if (source && source.randomUUID) return source.randomUUID();
    const bytes = new Uint8Array(16);
    if (source && source.getRandomValues) source.getRandomValues(bytes);
    else for (let i = 0; i < 16; i++) bytes[i] = Math.random() * 256;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  const encoder = typeof TextEncoder === "function" ? new TextEncoder() : null;
  const sizeOf = (text) => (encoder ? encoder.encode(text).length : unescape(encodeURIComponent(text)).length);
  const told = (error) => String((error && error.message) || error).slice(0, 300);

  function short(text) {
    let hash = 5381;
    for (let i = 0; i < text.length; i++) hash = ((hash << 5) + hash + text.charCodeAt(i)) >>> 0;
    return hash.toString(36);
  }

  const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(^|[^\ud800-\udbff])[\udc00-\udfff]/g;
  function encode(message) {
    const text = JSON.stringify(message, (key, value) => (typeof value === "bigint" ? String(value) : value));
    if (!/\\ud[89a-f]/i.test(text)) return text;
    return JSON.stringify(JSON.parse(text), (key, value) =>
      typeof value === "string" ? value.replace(LONE, "$1\ufffd") : value);
  }

  function idOf(value, name) {
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string" || (typeof value === "number" && isFinite(value))) return String(value);
    throw new TypeError(name + " must be text or a number");
  }

  function mapping(value, name) {
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw new TypeError(name + " must be an object");
    return value;
  }

  function text(value, name) {
    if (idOf(value, name) === undefined) throw new TypeError(name + " is missing");
    return String(value);
  }

  /** localStorage under a prefix; every operation may fail (private mode, full, forbidden): its result says so. */
  function openStorage(prefix) {
    let store;
    try {
      store = root.localStorage;
      if (!store) return null;
    } catch (error) {
      return null;
    }
    const quietly = (work, otherwise) => {
      try {
        return work();
      } catch (error) {
        return otherwise;
      }
    };
    return {
      prefix,
      get: (key) => quietly(() => store.getItem(prefix + key), null),
      set: (key, value) => quietly(() => (store.setItem(prefix + key, value), true), false),
      remove: (key) => quietly(() => store.removeItem(prefix + key)),
      keys: (start) =>
        quietly(() => {
          const ours = Object.keys(store).filter((key) => key.startsWith(prefix + start));
          return ours.map((key) => key.slice(prefix.length)).sort();
        }, []),
    };
  }

  // ---------------------------------------------------------------------------------------- what a page tells
  function pageOf() {
    const place = root.location;
    const page = { path: place.pathname, url: place.href, search: place.search, title: root.document.title };
    page.referrer = pageOf.referrer;
    return page;
  }

  function campaignOf(search) {
    const found = {};
    try {
      new URLSearchParams(search).forEach((value, key) => {
        if (key.startsWith("utm_")) found[key === "utm_campaign" ? "name" : key.slice(4)] = value;
      });
    } catch (error) {
      return found;
    }
    return found;
  }

  let whenMoved = null; // of the client that counts page views
  let watching = false;
  function watchHistory() {
    if (watching) return;
    watching = true;
    let last = root.location.pathname + root.location.search;
    let lastUrl = root.location.href;
    const look = () => {
      try {
        const now = root.location.pathname + root.location.search;
        if (now === last) return;
        pageOf.referrer = lastUrl;
        last = now;
        lastUrl = root.location.href;
        if (whenMoved) whenMoved();
      } catch (error) {
        return;
      }
    };
    for (const name of ["pushState", "replaceState"]) {
      const original = root.history[name];
      root.history[name] = function () {
        const result = original.apply(this, arguments); // what it throws is the page's own
        look();
        return result;
      };
    }
    root.addEventListener("popstate", look);
  }

  // ---------------------------------------------------------------------------------------- the client
  /**
   * One client: `init` makes the one that `marketingSDK` speaks for, `createClient` others.
   *
   * The queue is an array of items {text, size, key in storage, done}; the oldest leave first, one request at a time,
   * and stay in the queue until the server has acknowledged them.
   */
  function makeClient(options) {
    const settings = Object.assign(
      {
        host: "http://127.0.0.1:3000",
        appId: undefined,
        requireConsent: false,
        pageViews: inBrowser,
        flushAt: inBrowser ? 20 : 100,
        flushIntervalMs: inBrowser ? 1000 : 500,
        timeoutMs: 10000,
        exitTimeoutMs: 3000,
        retryFirstMs: 500,
        retryLongestMs: 30000,
        maxQueue: inBrowser ? 1000 : 10000,
        maxQueueBytes: inBrowser ? 2000000 : 64000000,
        storage: inBrowser,
        onError: null,
      },
      options
    );
    const counts = { accepted: 0, delivered: 0, attempts: 0, dropped: {} };
    let queue = [];
    let bytes = 0;
    let number = 0; // of items, for their keys in storage
    let failures = 0;
    let timer = null;
    let timerAt = 0;
    let sending = false;
    let abort = null;
    let waiters = [];
    let closed = false;
    let wrong = null;
    let exitTried = false;
    let keepAlive = false; // the page is being hidden: requests shall outlive it
    let url = "";
    let store = null;
    let anonymous = null;
    let user = null;
    let allowed = false;
    const here = Date.now().toString(36) + "-" + uuid().slice(0, 8); // this page view, in storage
    const adopted = new Set();
    const cleanUp = [];

    function report(kind, detail, messages, status) {
      try {
        if (settings.onError) settings.onError({ kind, detail, messages: messages || [], status });
      } catch (error) {
        return; // the host's own mistake
      }
    }

    function drop(kind, detail, messages, n, status) {
      counts.dropped[kind] = (counts.dropped[kind] || 0) + n;
      report(kind, detail, messages, status);
      return false;
    }

    /** What the host calls: never throws; answers `otherwise` when it would have. */
    const guarded = (work, otherwise) =>
      function () {
        try {
          return work.apply(null, arguments);
        } catch (error) {
          try {
            drop("invalid", told(error), [], 1);
          } catch (again) {
            return otherwise;
          }
          return otherwise;
        }
      };

    // ---------------------------------------------------------------------------------- who
    function remember(key, value) {
      if (store && allowed) value === null ? store.remove(key) : store.set(key, value);
    }

    function anonymousId() {
      if (anonymous === null && allowed && inBrowser) {
        anonymous = (store && store.get("anonymous")) || uuid();
        remember("anonymous", anonymous);
      }
      return anonymous;
    }

    function setUser(next) {
      if (!inBrowser) return; // a server speaks for many
      if (user !== null && next !== user) {
        anonymous = uuid(); // somebody else at the same device
        remember("anonymous", anonymous);
      }
      user = next;
      remember("user", user);
    }

    // ---------------------------------------------------------------------------------- messages
    function send(type, fields, given) {
      if (closed || wrong) return drop(closed ? "closed" : "settings", wrong || "the client is closed", [], 1);
      if (!allowed) return drop("consent", "there is no consent", [], 1);
      const extra = mapping(given, "options");
      const context = { library: { name: "growthbench-js", version: VERSION } };
      if (settings.appId !== undefined) context.app = { name: String(settings.appId) };
      if (inBrowser) {
        context.page = pageOf();
        context.userAgent = root.navigator.userAgent;
        context.locale = root.navigator.language;
        const campaign = campaignOf(root.location.search);
        if (Object.keys(campaign).length) context.campaign = campaign;
      }
      const message = { type, messageId: extra.messageId ? text(extra.messageId, "messageId") : uuid() };
      message.timestamp = extra.timestamp ? new Date(extra.timestamp).toISOString() : new Date().toISOString();
      message.userId = idOf(extra.userId, "userId") || (fields.userId === undefined ? user || undefined : undefined);
      message.anonymousId = idOf(extra.anonymousId, "anonymousId") || anonymousId() || undefined;
      Object.assign(message, fields);
      message.context = Object.assign(context, mapping(extra.context, "context"));
      if (message.userId === undefined && message.anonymousId === undefined) {
        throw new TypeError("a message needs options.userId or options.anonymousId");
      }
      return put(message);
    }

    function put(message) {
      const encoded = encode(message);
      const size = sizeOf(encoded);
      if (size > MAX_MESSAGE_BYTES) return drop("too_large", "a message has " + size + " bytes", [message], 1);
      if (queue.length >= settings.maxQueue || bytes + size > settings.maxQueueBytes) {
        return drop("full", "the queue is full", [message], 1); // the newest goes: what waits stays complete
      }
      const key = "q." + here + "." + (number++).toString(36).padStart(8, "0");
      const item = { text: encoded, size, key, done: false };
      if (store && !store.set(item.key, encoded)) item.key = null;
      if (queue.length === 0 && store) beat();
      queue.push(item);
      bytes += size;
      counts.accepted++;
      exitTried = false;
      schedule(queue.length >= settings.flushAt ? 0 : settings.flushIntervalMs);
      return true;
    }

    function finish(n) {
      for (const item of queue.splice(0, n)) {
        item.done = true;
        bytes -= item.size;
        if (store && item.key) store.remove(item.key);
      }
      if (store && !queue.length) {
        adopted.forEach((page) => store.remove("page." + page));
        adopted.clear();
      }
      const reached = waiters.filter((w) => w.last.done);
      reached.forEach((w) => w.end(true));
    }

    // ---------------------------------------------------------------------------------- delivery
    function schedule(ms) {
      if (sending || closed || !queue.length) return;
      const at = Date.now() + (failures ? Math.max(ms, timerAt - Date.now()) : ms);
      if (timer !== null) {
        if (timerAt <= at) return;
        clearTimeout(timer);
      }
      timerAt = at;
      timer = setTimeout(deliver, Math.max(at - Date.now(), 0));
      if (timer.unref && !waiters.length) timer.unref(); // a queue alone does not hold up the end of a Node process
    }

    function wait(ms) {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      timerAt = Date.now() + ms;
      schedule(ms);
    }

    function deliver() {
      timer = null;
      if (sending || !queue.length || !allowed) return;
      if (inBrowser && root.navigator.onLine === false) return; // `online` wakes us up
      sending = true;
      round().then(
        (ms) => after(ms),
        (error) => {
          report("internal", told(error));
          after(settings.retryLongestMs);
        }
      );
    }

    function after(ms) {
      sending = false;
      failures = ms > 0 ? failures + 1 : 0;
      if (ms > 0) wait(ms);
      else schedule(queue.length >= settings.flushAt || waiters.length ? 0 : settings.flushIntervalMs);
    }

    function oldest() {
      let n = 0;
      let size = 200; // the wrapping
      const limit = keepAlive ? MAX_BEACON_BYTES : MAX_BATCH_BYTES;
      while (n < queue.length && n < MAX_BATCH && (n === 0 || size + queue[n].size + 1 <= limit)) {
        size += queue[n++].size + 1;
      }
      return n;
    }

    /** One batch, halved until it is taken or one message is refused; resolves to how long to wait, 0 after success. */
    function round(size) {
      const n = size || oldest();
      const batch = queue.slice(0, n);
      return post(batch).then(
        (answer) => {
          if (queue[0] !== batch[0]) return 0; // consent was withdrawn meanwhile
          const good = answer.status >= 200 && answer.status < 300;
          if (REFUSED.includes(answer.status) && n > 1) return round(Math.ceil(n / 2));
          if (good && acknowledged(answer)) {
            counts.delivered += n;
            finish(n);
            return 0;
          }
          if (REFUSED.includes(answer.status) && answer.type.startsWith("application/problem+json")) {
            const detail = "HTTP " + answer.status + ": " + answer.text.slice(0, 300);
            drop("refused", detail, [JSON.parse(batch[0].text)], 1, answer.status);
            finish(1);
            return 0;
          }
          const ours = !good && !REFUSED.includes(answer.status);
          report(ours ? "status" : "rubbish", "HTTP " + answer.status, [], answer.status);
          return delay(answer);
        },
        (error) => {
          report("network", told(error));
          return delay(null);
        }
      );
    }

    function delay(answer) {
      const grown = settings.retryFirstMs * Math.pow(2, Math.min(failures, 30));
      const own = Math.min(settings.retryLongestMs, grown) * (0.5 + Math.random() / 2);
      const asked = answer && answer.retryAfter ? retryAfterMs(answer.retryAfter) : null;
      return Math.max(1, asked === null ? own : Math.max(asked * (1 + Math.random() / 10), own / 10));
    }

    function body(batch) {
      const sentAt = new Date().toISOString();
      // A browser's key travels in the body of a plain-text request: no preflight, and the form of beacons.
      const key = inBrowser ? ',"writeKey":' + JSON.stringify(settings.apiKey) : "";
      return '{"batch":[' + batch.map((item) => item.text).join(",") + '],"sentAt":"' + sentAt + '"' + key + "}";
    }

    function post(batch) {
      counts.attempts++;
      const content = body(batch);
      const headers = inBrowser
        ? { "Content-Type": "text/plain" }
        : { "Content-Type": "application/json", Authorization: "Basic " + base64(settings.apiKey + ":") };
      abort = typeof AbortController === "function" ? new AbortController() : null;
      const clock = setTimeout(() => abort && abort.abort(), settings.timeoutMs);
      const request = { method: "POST", headers, body: content, credentials: "omit", redirect: "error" };
      if (abort) request.signal = abort.signal;
      if (keepAlive && content.length < MAX_BEACON_BYTES) request.keepalive = true;
      let asked;
      try {
        asked = Promise.resolve(root.fetch(url, request));
      } catch (error) {
        asked = Promise.reject(error);
      }
      return asked
        .then((response) =>
          readText(response).then((found) => ({
            status: response.status,
            text: found,
            type: response.headers.get("content-type") || "",
            retryAfter: response.headers.get("retry-after"),
          }))
        )
        .finally(() => clearTimeout(clock));
    }

    /** Everything that waits, by beacon: the page goes. It stays in storage: nobody tells whether a beacon arrived. */
    function beacon() {
      if (!allowed || !root.navigator.sendBeacon) return;
      let rest = queue.slice();
      while (rest.length) {
        let n = 0;
        let size = 300;
        while (n < rest.length && n < MAX_BATCH && (n === 0 || size + rest[n].size + 1 <= MAX_BEACON_BYTES)) {
          size += rest[n++].size + 1;
        }
        const content = new Blob([body(rest.slice(0, n))], { type: "text/plain" });
        if (!root.navigator.sendBeacon(url, content)) return;
        counts.attempts++;
        rest = rest.slice(n);
      }
    }

    function flush(timeoutMs) {
      if (closed || wrong) return Promise.resolve(false);
      if (!queue.length) return Promise.resolve(true);
      return new Promise((resolve) => {
        const waiter = { last: queue[queue.length - 1] };
        waiter.end = (good) => {
          clearTimeout(clock);
          waiters = waiters.filter((w) => w !== waiter);
          if (!waiters.length && timer !== null && timer.unref) timer.unref();
          resolve(good);
        };
        const limit = timeoutMs === undefined ? settings.timeoutMs : timeoutMs;
        const clock = setTimeout(() => waiter.end(waiter.last.done), limit);
        waiters.push(waiter);
        if (timer !== null && failures === 0) {
          clearTimeout(timer);
          timer = null;
        }
        if (timer !== null && timer.ref) timer.ref();
        schedule(0);
      });
    }

    // ---------------------------------------------------------------------------------- storage
    function beat() {
      if (!store) return;
      store.set("page." + here, String(Date.now()));
      adopted.forEach((page) => store.set("page." + page, String(Date.now())));
    }

    /** Messages of pages that are gone come first: they are older. */
    function adopt() {
      if (!store || !allowed) return;
      const found = [];
      for (const key of store.keys("q.")) {
        const page = key.split(".")[1];
        if (page === here || adopted.has(page)) continue;
        if (Date.now() - Number(store.get("page." + page) || 0) < DEAD_AFTER_MS) continue;
        const stored = store.get(key);
        if (stored !== null) found.push({ text: stored, size: sizeOf(stored), key, page, done: false });
      }
      if (!found.length) return;
      found.forEach((item) => adopted.add(item.page));
      beat();
      counts.accepted += found.length;
      found.forEach((item) => (bytes += item.size));
      const underWay = sending ? oldest() : 0; // those stay in front: they are being sent
      queue.splice(underWay, 0, ...found);
      schedule(0);
    }

    function leave() {
      beacon();
      if (!store) return;
      for (const page of [here, ...adopted]) {
        if (queue.length) store.set("page." + page, "0");
        else store.remove("page." + page);
      }
    }

    function comeBack() {
      keepAlive = false;
      if (store) {
        // The next page may have sent what we left behind.
        const gone = queue.filter((item) => item.key && store.get(item.key) === null);
        gone.forEach((item) => (item.done = true));
        counts.delivered += gone.length;
        queue = queue.filter((item) => !item.done);
        bytes = queue.reduce((sum, item) => sum + item.size, 0);
        beat();
      }
      schedule(0);
    }

    function forget() {
      const n = queue.length;
      queue = [];
      bytes = 0;
      if (abort) abort.abort();
      if (timer !== null) clearTimeout(timer);
      timer = null;
      waiters.slice().forEach((w) => w.end(false));
      anonymous = user = null;
      adopted.clear();
      if (store) store.keys("").forEach((key) => store.remove(key));
      if (n) drop("consent", "consent was withdrawn", [], n);
    }

    // ---------------------------------------------------------------------------------- consent
    function consent(granted) {
      if (closed || wrong) return;
      if (granted) grant();
      else refuse();
    }

    function grant() {
      const before = allowed;
      allowed = true;
      if (store) settings.requireConsent ? store.set("consent", "1") : store.remove("consent");
      if (!before) begin();
    }

    function refuse() {
      allowed = false;
      forget();
      if (store && !settings.requireConsent) store.set("consent", "0"); // where yes is the rule, a no is remembered
    }

    function begin() {
      anonymous = store ? store.get("anonymous") : null;
      user = store ? store.get("user") : null;
      adopt();
      if (settings.pageViews && inBrowser) api.page();
    }

    function listen(target, name, work) {
      const safe = guarded(work);
      target.addEventListener(name, safe);
      cleanUp.push(() => target.removeEventListener(name, safe));
    }

    function startInBrowser() {
      listen(root, "pagehide", leave);
      listen(root, "pageshow", (event) => event.persisted && comeBack());
      listen(root, "online", () => wait(0));
      listen(root.document, "visibilitychange", () => {
        keepAlive = root.document.visibilityState === "hidden";
        if (keepAlive && !failures) {
          if (timer !== null) clearTimeout(timer);
          timer = null;
          schedule(0);
        }
      });
      listen(root, "storage", (event) => {
        if (!store || event.key !== store.prefix + "consent") return; // the answer given in another tab
        const granted = settings.requireConsent ? event.newValue === "1" : event.newValue !== "0";
        if (granted && !allowed) grant();
        else if (!granted && allowed) {
          allowed = false;
          forget();
          if (!settings.requireConsent) store.set("consent", "0");
        }
      });
      const pulse = setInterval(guarded(() => {
        if (!allowed || !store) return;
        if (queue.length) beat();
        adopt();
      }), BEAT_MS);
      cleanUp.push(() => clearInterval(pulse));
      if (settings.pageViews) {
        pageOf.referrer = root.document.referrer;
        watchHistory();
        whenMoved = guarded(() => allowed && api.page());
        const mine = whenMoved;
        cleanUp.push(() => (whenMoved = whenMoved === mine ? null : whenMoved));
      }
    }

    function startInNode() {
      if (typeof process !== "object" || !process || typeof process.on !== "function") return;
      const last = () => {
        if (!queue.length || exitTried) return;
        exitTried = true; // once: a server that is away must not keep the process from its end
        flush(settings.exitTimeoutMs).then((good) => good || (abort && abort.abort()));
      };
      process.on("beforeExit", last);
      cleanUp.push(() => process.removeListener("beforeExit", last));
    }

    function close(timeoutMs) {
      if (closed) return Promise.resolve(queue.length === 0);
      return flush(timeoutMs === undefined ? settings.exitTimeoutMs : timeoutMs).then((good) => {
        closed = true;
        if (timer !== null) clearTimeout(timer);
        cleanUp.splice(0).forEach((work) => work());
        if (inBrowser && queue.length) leave();
        const lost = queue.filter((item) => !store || !item.key).map((item) => JSON.parse(item.text));
        if (lost.length) drop("closed", "not delivered when the client was closed", lost, lost.length);
        if (abort && !good) abort.abort();
        return good;
      });
    }

    const api = {
      track: guarded((event, properties, given) =>
        send("track", { event: text(event, "event"), properties: mapping(properties, "properties") }, given), false),
      identify: guarded((userId, traits, given) => {
        if (typeof userId === "object" && userId !== null) return send("identify", { traits: userId }, traits);
        const id = text(userId, "userId");
        if (!closed && !wrong && allowed) setUser(id);
        return send("identify", { userId: id, traits: mapping(traits, "traits") }, given);
      }, false),
      page: guarded((name, properties, given) => {
        const about = Object.assign(inBrowser ? pageOf() : {}, mapping(properties, "properties"));
        return send("page", { name: idOf(name, "name"), properties: about }, given);
      }, false),
      screen: guarded((name, properties, given) =>
        send("screen", { name: text(name, "name"), properties: mapping(properties, "properties") }, given), false),
      group: guarded((groupId, traits, given) =>
        send("group", { groupId: text(groupId, "groupId"), traits: mapping(traits, "traits") }, given), false),
      alias: guarded((userId, previousId, given) => {
        const previous = idOf(previousId, "previousId") || user || anonymousId();
        return send("alias", { userId: text(userId, "userId"), previousId: text(previous, "previousId") }, given);
      }, false),
      reset: guarded(() => {
        user = null;
        remember("user", null);
        if (inBrowser && allowed) {
          anonymous = uuid();
          remember("anonymous", anonymous);
        }
      }),
      consent: guarded(consent),
      flush: guarded(flush, Promise.resolve(false)),
      close: guarded(close, Promise.resolve(false)),
      counts: () => Object.assign({}, counts, { waiting: queue.length, dropped: Object.assign({}, counts.dropped) }),
      ids: () => ({ userId: user, anonymousId: anonymous }),
    };

    guarded(() => {
      try {
        if (typeof settings.apiKey !== "string" || !settings.apiKey) throw new TypeError("apiKey is missing");
        if (typeof root.fetch !== "function") throw new TypeError("this environment has no fetch");
        url = new URL(String(settings.host).replace(/\/+$/, "") + "/v1/batch").href;
        if (!/^https?:/.test(url)) throw new TypeError("host must begin with http:// or https://");
      } catch (error) {
        wrong = told(error);
        report("settings", wrong);
        return;
      }
      if (inBrowser && settings.storage) store = openStorage("growthbench." + short(settings.apiKey + url) + ".");
      const answer = store ? store.get("consent") : null;
      allowed = settings.requireConsent ? answer === "1" : answer !== "0";
      if (inBrowser) startInBrowser();
      else startInNode();
      if (allowed) begin();
    })();
    return api;
  }

  function createClient(options) {
    try {
      return makeClient(options);
    } catch (error) {
      return makeClient({}); // options that raise when they are read: a dead client that says so
    }
  }

  function acknowledged(answer) {
    try {
      return JSON.parse(answer.text).success === true; // a proxy's friendly page is none
    } catch (error) {
      return false;
    }
  }

  function retryAfterMs(asked) {
    const seconds = Number(asked);
    const ms = isNaN(seconds) ? Date.parse(asked) - Date.now() : seconds * 1000;
    return isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
  }

  function base64(plain) {
    return typeof Buffer === "function" ? Buffer.from(plain).toString("base64") : btoa(plain);
  }

  /** The text of an answer, as far as anybody wants to read it. */
  function readText(response) {
    if (!response.body || !response.body.getReader) return response.text();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let found = "";
    const next = () =>
      reader.read().then((part) => {
        if (part.done) return found + decoder.decode();
        found += decoder.decode(part.value, { stream: true });
        if (found.length <= MAX_ANSWER_BYTES) return next();
        return reader.cancel().then(() => found);
      });
    return next();
  }

  // ---------------------------------------------------------------------------------------- the one that pages use
  let current = null;
  let before = []; // calls made before `init`
  const sdk = {
    version: VERSION,
    createClient,
    init(options) {
      if (current) current.close(0);
      current = createClient(options);
      before.splice(0).forEach((call) => current[call[0]](...call[1]));
      return sdk;
    },
    counts: () => (current ? current.counts() : { accepted: 0, delivered: 0, waiting: 0, attempts: 0, dropped: {} }),
    ids: () => (current ? current.ids() : { userId: null, anonymousId: null }),
  };
  for (const name of ["track", "identify", "page", "screen", "group", "alias", "reset", "consent"]) {
    sdk[name] = (...args) => {
      if (current) return current[name](...args);
      if (before.length < 100) before.push([name, args]);
      return false;
    };
  }
  for (const name of ["flush", "close"]) {
    sdk[name] = (...args) => (current ? current[name](...args) : Promise.resolve(false));
  }
  return sdk;
});
