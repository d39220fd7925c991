import { createContext, createElement, Suspense, useContext, useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from "react";
import { connect, type Client, type ConnectOptions } from "../client.js";
import { Shelf } from "../observed/shelf.js";

/** Properties of {@link CowriteProvider}: a `client` of the application's own, or the `url` to connect to. */
export type CowriteProviderProps = {
  /** The components that the connection is for. */
  readonly children?: ReactNode;
  /** What is shown while {@link useSuspenseDocument} waits and no nearer `Suspense` says what; by default nothing. */
  readonly fallback?: ReactNode;
} & (
  | {
      /** The application's own; the provider does not close it. */
      readonly client: Client;
      /** There is none with a `client`. */
      readonly url?: undefined;
    }
  | ({
      /** There is none with a `url`. */
      readonly client?: undefined;
      /** The server's socket, as for `connect`. The connection lives as long as the provider; another `url` is another one. */
      readonly url: string;
    } & ConnectOptions)
);

/** @internal The client, once there is one, and what settles then. */
export interface Connected {
  readonly client: Client | null;
  readonly arrives: Promise<void>;
}

const Context = createContext<Connected | null>(null);

/**
 * Gives the components within a connection. It connects in the page alone, never while it is rendered on a
 * server; when it goes, it closes the connection as soon as no work is pending.
 */
export function CowriteProvider(props: CowriteProviderProps): ReactElement {
  const own = useOwnClient(props);
  const client = props.client ?? own;
  const [arrival] = useState(() => {
    let arrived!: () => void;
    const promise = new Promise<void>((resolve) => (arrived = resolve));
    return { promise, arrived };
  });
  useEffect(() => {
    if (client) arrival.arrived();
  }, [client, arrival]);
  const value = useMemo(() => ({ client, arrives: arrival.promise }), [client, arrival]);
  // With a boundary of its own the provider stays when a component within waits, and so does the connection.
  return createElement(Context.Provider, { value }, createElement(Suspense, { fallback: props.fallback ?? null }, props.children));
}

/** The client of the provider around; `null` on a server and until the page has taken over. */
export function useClient(): Client | null {
  return useConnected().client;
}

/** @internal */
export function useConnected(): Connected {
  const connected = useContext(Context);
  if (!connected) throw new Error("There is no <CowriteProvider> around this component.");
  return connected;
}

type OwnProps = Extract<CowriteProviderProps, { readonly url: string }>;

interface Held {
  readonly url: string;
  readonly client: Client;
  token: string | null;
  used: boolean;
}

function useOwnClient(props: CowriteProviderProps): Client | null {
  const { url } = props;
  const token = props.url === undefined ? undefined : props.token;
  const latest = useRef(props);
  const held = useRef<Held | null>(null);
  const [client, setClient] = useState<Client | null>(null);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (url === undefined) return;
    // In strict mode effects run twice: the second time takes up what the first has begun.
    if (held.current?.url !== url) {
      const { token, url: _url, client: _client, children: _children, fallback: _fallback, ...options } = latest.current as OwnProps;
      held.current = { url, token: textOf(token), used: true, client: connect(url, { ...options, token: sourceOf(latest, token) }) };
    }
    const mine = held.current;
    mine.used = true;
    setClient(mine.client);
    return () => {
      mine.used = false;
      void closeWhenSettled(mine).then((closed) => {
        if (closed && held.current === mine) held.current = null;
      });
    };
  }, [url]);
  useEffect(() => {
    const mine = held.current;
    if (!mine || mine.token === textOf(token)) return;
    mine.token = textOf(token);
    mine.client.setToken(sourceOf(latest, token));
  }, [token]);
  return url === undefined ? null : client;
}

/** A token that is a function is asked for as the newest render gave it, so it may be another one each time. */
function sourceOf(latest: { readonly current: CowriteProviderProps }, token: ConnectOptions["token"]): NonNullable<ConnectOptions["token"]> {
  if (typeof token !== "function") return token ?? "";
  return () => {
    const newest = (latest.current as ConnectOptions).token;
    return typeof newest === "function" ? newest() : (newest ?? "");
  };
}

function textOf(token: ConnectOptions["token"]): string | null {
  return typeof token === "function" ? null : (token ?? "");
}

async function closeWhenSettled(held: Held): Promise<boolean> {
  // A turn of the loop at least, in which strict mode comes back.
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (!held.used) await Shelf.of(held.client).settled();
  if (held.used) return false;
  held.client.close();
  return true;
}
