export interface Config {
  /** Where the hub is, such as https://hub.example.com. Nothing is ever sent elsewhere. */
  baseURL: string;
  /** An access token, or an API key (cmh_...). */
  token?: string;
  /** Renews the access token when it has run out. */
  refreshToken?: string;
  /** Is told of new tokens, to keep them. */
  onTokens?: (tokens: { access_token: string; refresh_token: string }) => void | Promise<void>;
  /** How often to ask, at most, when the hub asks for patience. 4 when absent. */
  tries?: number;
  /** The longest Retry-After to wait for, in milliseconds. 15,000 when absent. */
  maxWait?: number;
  /** How long one try may take, in milliseconds. 120,000 when absent. */
  timeout?: number;
  /** For tests and proxies. */
  fetch?: typeof fetch;
}

export interface Options {
  /** A name for this request, so that it happens once. One is made when it is absent. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface Page<T> {
  items: T[];
  next?: string;
}

/** APIError is what the hub refused with, or status 0 when it could not be reached. */
export class APIError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem?: Problem;
  /** Milliseconds, when the hub says. */
  readonly retryAfter?: number;

  constructor(status: number, message: string, problem?: Problem, retryAfter?: number) {
    super(message);
    this.name = "APIError";
    this.status = status;
    this.code = problem?.code ?? (status === 0 ? "unavailable" : "internal");
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

interface Call {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  body?: unknown;
  type?: string;
  keyed?: boolean;
  repeat?: boolean;
  answer: "json" | "text" | "none";
}

/** segment makes any text one part of a path. */
function segment(text: string): string {
  return text === "" || text === "." || text === ".." ? "-" : encodeURIComponent(text);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** retryAfter reads seconds or a date, as milliseconds. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

class Base {
  readonly #config: Config;
  readonly #base: string;
  #token?: string;
  #refresh?: string;
  #renewing?: Promise<boolean>;

  constructor(config: Config) {
    const url = new URL(config.baseURL);
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
    if (url.username || url.search || url.hash || (url.protocol !== "https:" && !(url.protocol === "http:" && local))) {
      throw new TypeError("baseURL must look like https://hub.example.com");
    }
    this.#config = config;
    this.#base = url.href.replace(/\/+$/, "").replace(/(\/api)?\/v1$/, "");
    this.#token = config.token;
    this.#refresh = config.refreshToken;
  }

  /** signIn asks for tokens and uses them from now on. */
  async signIn(email: string, password: string): Promise<Login> {
    const login = await this.ask<Login>({ method: "POST", path: "/v1/auth/login", body: { email, password }, type: "application/json", answer: "json" });
    await this.#keep(login);
    return login;
  }

  async #keep(tokens: { access_token: string; refresh_token: string }): Promise<void> {
    this.#token = tokens.access_token;
    this.#refresh = tokens.refresh_token;
    await this.#config.onTokens?.({ access_token: tokens.access_token, refresh_token: tokens.refresh_token });
  }

  /** renew trades the refresh token once, however many requests ask for it at the same time. */
  #renew(used: string): Promise<boolean> {
    if (this.#token !== used) return Promise.resolve(true);
    this.#renewing ??= (async () => {
      const refresh_token = this.#refresh;
      if (!refresh_token) return false;
      try {
        await this.#keep(await this.ask<Tokens>({ method: "POST", path: "/v1/auth/refresh", body: { refresh_token }, type: "application/json", repeat: true, answer: "json" }));
        return true;
      } catch (err) {
        if (err instanceof APIError && err.status === 401) {
          this.#token = this.#refresh = undefined;
          return false;
        }
        throw err;
      }
    })().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  protected async ask<T>(call: Call, options: Options = {}): Promise<T> {
    const { value } = await this.#ask(call, options);
    return value as T;
  }

  protected async page<T>(call: Call, options: Options): Promise<Page<T>> {
    const { value, response } = await this.#ask(call, options);
    const link = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
    const next = link && new URL(link[1]!, this.#base).searchParams.get("cursor");
    return { items: value as T[], ...(next ? { next } : {}) };
  }

  protected async *pages<T>(ask: (cursor: { cursor?: string }) => Promise<Page<T>>): AsyncGenerator<T> {
    let cursor: { cursor?: string } = {};
    for (;;) {
      const page = await ask(cursor);
      yield* page.items;
      if (!page.next) return;
      cursor = { cursor: page.next };
    }
  }

  protected async *stream<T extends { id: number }>(path: string, after: number): AsyncGenerator<T> {
    for (;;) {
      const { response } = await this.#ask({ method: "GET", path, answer: "none" }, {}, { "Last-Event-ID": String(after), Accept: "text/event-stream, application/problem+json" });
      if (response.status === 204 || !response.body) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      try {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          const lines = (rest + value).split("\n");
          rest = lines.pop()!;
          if (rest.length > 1 << 20) throw new APIError(0, "The hub sent an event that is too long.");
          for (const line of lines) {
            if (!line.startsWith("data: ")) continue;
            const event = JSON.parse(line.slice(6)) as T;
            after = event.id;
            yield event;
          }
        }
      } finally {
        await reader.cancel().catch(() => {});
      }
      await pause(1000);
    }
  }

  async #ask(call: Call, options: Options, extra: Record<string, string> = {}): Promise<{ value: unknown; response: Response }> {
    const key = call.keyed ? (options.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const repeatable = call.method !== "POST" || call.keyed || call.repeat;
    const guest = call.path.startsWith("/v1/auth/") && call.path !== "/v1/auth/device/approval";
    let renewed = false;
    for (let tried = 1; ; tried++) {
      const token = guest ? undefined : this.#token;
      try {
        return await this.#once(call, token, key, options, extra);
      } catch (err) {
        if (!(err instanceof APIError)) throw err;
        if (err.status === 401 && token && !renewed && (await this.#renew(token))) {
          renewed = true;
          continue;
        }
        const wait = err.status === 0 ? 200 * tried : err.retryAfter;
        const polite = err.status === 0 || err.status === 429 || err.status === 503;
        if (!polite || !repeatable || tried >= (this.#config.tries ?? 4) || wait === undefined || wait > (this.#config.maxWait ?? 15_000) || err.problem?.place) throw err;
        await pause(wait + Math.random() * (wait / 4 + 1), options.signal);
      }
    }
  }

  async #once(call: Call, token: string | undefined, key: string | undefined, options: Options, extra: Record<string, string>): Promise<{ value: unknown; response: Response }> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const headers: Record<string, string> = { Accept: "application/json, application/problem+json, */*;q=0.1", ...extra };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers["Idempotency-Key"] = key;
    let body: BodyInit | undefined;
    if (call.body !== undefined) {
      headers["Content-Type"] = call.type!;
      body = call.type === "application/json" ? JSON.stringify(call.body) : (call.body as BodyInit);
    }
    const streams = extra.Accept !== undefined;
    const limits = [options.signal, streams ? undefined : AbortSignal.timeout(this.#config.timeout ?? 120_000)].filter((s): s is AbortSignal => s !== undefined);
    const signal = limits.length > 1 ? AbortSignal.any(limits) : limits[0];
    let response: Response;
    try {
      // A redirect is not followed: a token goes nowhere else.
      response = await (this.#config.fetch ?? fetch)(this.#base + call.path + (query.size ? `?${query}` : ""), { method: call.method, headers, body, redirect: "manual", signal });
    } catch (err) {
      if (options.signal?.aborted) throw err;
      throw new APIError(0, `The hub at ${this.#base} could not be reached: ${err}`);
    }
    const type = (response.headers.get("Content-Type") ?? "").split(";")[0];
    if (!response.ok) {
      let problem: Problem | undefined;
      if (type === "application/problem+json") problem = (await response.json().catch(() => undefined)) as Problem | undefined;
      throw new APIError(response.status || 502, problem?.detail ?? `The hub answered ${response.status}.`, problem, retryAfter(response.headers.get("Retry-After")));
    }
    if (response.status === 204 || call.answer === "none") return { value: undefined, response };
    if (call.answer === "text") return { value: await response.text(), response };
    if (type !== "application/json") throw new APIError(502, "The hub gave an answer that is no JSON.");
    return { value: await response.json(), response };
  }
}

