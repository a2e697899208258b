/**
 * Page views from an Express application:
 *
 *   const { pageViews } = require("./express");
 *   app.use(pageViews({ apiKey: "gbw_...", host: "https://growth.example.com", appId: "shop" }));
 *   app.post("/buy", (req, res) => { req.marketing.track("order_completed", { amount: 59.9, currency: "EUR" }); ... });
 *
 * Nothing in here delays an answer or breaks one: the client only queues, and does not throw.
 */
"use strict";
const { randomUUID } = require("node:crypto");
const { createClient } = require("growthbench-sdk");

const COOKIE = "visitor";

function pageViews(options, userOf = (req) => req.user && req.user.id) {
  const client = createClient(options);

  function middleware(req, res, next) {
    const found = /(?:^|;\s*)visitor=([^;]+)/.exec(req.headers.cookie || "");
    const visitor = found ? found[1] : randomUUID();
    if (!found) res.cookie(COOKIE, visitor, { maxAge: 31536000000, sameSite: "lax", httpOnly: true });
    const who = () => ({ anonymousId: visitor, userId: userOf(req) || undefined });
    req.marketing = {
      track: (event, properties) => client.track(event, properties, who()),
      identify: (userId, traits) => client.identify(userId, traits, { anonymousId: visitor }),
    };
    res.on("finish", () => {
      if (res.statusCode < 400 && String(res.getHeader("content-type")).startsWith("text/html")) {
        client.page(undefined, { path: req.path, url: req.originalUrl, referrer: req.headers.referer }, who());
      }
    });
    next();
  }
  middleware.close = client.close; // `await` it when the server stops
  return middleware;
}

module.exports = { pageViews };
