/** Events to growthbench, from browsers and Node. No call throws into the host, none waits. */
declare namespace marketingSDK {
  /** One thing that went wrong. */
  interface Problem {
    /**
     * Messages are gone: `full`, `invalid`, `too_large`, `refused`, `consent`, `closed`. Messages are kept and sent again:
     * `network`, `status`, `rubbish`. Besides: `settings`, `internal`.
     */
    kind: string;
    detail: string;
    /** The messages that are gone. */
    messages: object[];
    /** HTTP status. */
    status?: number;
  }

  interface Options {
    /** A write key: it may send events and nothing else, so it may stand in a page. */
    apiKey: string;
    /** Which of your applications speaks. */
    appId?: string;
    /** Where growthbench answers, like `https://growth.example.com`. */
    host?: string;
    /** Store and send nothing before `consent(true)`; default false. */
    requireConsent?: boolean;
    /** Send a page view at the start and whenever the address changes; default true in browsers. */
    pageViews?: boolean;
    /** Keep what waits in localStorage; default true in browsers. */
    storage?: boolean;
    /** A batch leaves when so many messages wait (at most 100) ... */
    flushAt?: number;
    /** ... or the first has waited so long. */
    flushIntervalMs?: number;
    /** Limit of one request. */
    timeoutMs?: number;
    /** How long the end of a Node process, or `close`, waits for delivery. */
    exitTimeoutMs?: number;
    retryFirstMs?: number;
    retryLongestMs?: number;
    /** Bounds of the queue; full, it refuses the newest message. */
    maxQueue?: number;
    maxQueueBytes?: number;
    onError?: (problem: Problem) => void;
  }

  /** About one message. In Node, `userId` or `anonymousId` is needed. */
  interface MessageOptions {
    userId?: string | number;
    anonymousId?: string | number;
    timestamp?: Date | string | number;
    /** Two messages of one id are one event. */
    messageId?: string;
    context?: Record<string, unknown>;
  }

  interface Counts {
    accepted: number;
    delivered: number;
    waiting: number;
    attempts: number;
    dropped: Record<string, number>;
  }

  type Values = Record<string, unknown>;

  interface Client {
    /** Somebody did something. True if the message was taken in. */
    track(event: string, properties?: Values, options?: MessageOptions): boolean;
    /** This is who it is; in browsers all that follows is theirs. */
    identify(userId: string | number, traits?: Values, options?: MessageOptions): boolean;
    /** Traits of whoever it is. */
    identify(traits: Values, options?: MessageOptions): boolean;
    page(name?: string | null, properties?: Values, options?: MessageOptions): boolean;
    screen(name: string, properties?: Values, options?: MessageOptions): boolean;
    group(groupId: string | number, traits?: Values, options?: MessageOptions): boolean;
    /** Who was `previousId` (by default whoever it is now) is `userId`. */
    alias(userId: string | number, previousId?: string | number, options?: MessageOptions): boolean;
    /** Forget who it is, as at a logout. */
    reset(): void;
    /** Yes, or no: then what waits, what is stored and who it is are forgotten. */
    consent(granted: boolean): void;
    /** Send now; true when all that waited is delivered. Never rejects. */
    flush(timeoutMs?: number): Promise<boolean>;
    /** Deliver what can be delivered, and end. Never rejects. */
    close(timeoutMs?: number): Promise<boolean>;
    counts(): Counts;
    ids(): { userId: string | null; anonymousId: string | null };
  }

  interface SDK extends Client {
    readonly version: string;
    /** Make the client that `marketingSDK` speaks for; calls made before are kept for it. */
    init(options: Options): SDK;
    /** Another client, as for a second tenant. */
    createClient(options: Options): Client;
  }
}

declare const marketingSDK: marketingSDK.SDK & { default: marketingSDK.SDK };
export = marketingSDK;
export as namespace marketingSDK;
