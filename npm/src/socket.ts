/** What a client hears of its socket. */
export interface SocketEvent {
  /** `open`, `message`, `close` or `error`. */
  readonly type: string;
  /** The bytes of a `message`, as an `ArrayBuffer`. */
  readonly data?: unknown;
}

/** What a client uses of a `WebSocket`; it calls nothing before it has set the four listeners. */
export interface Socket {
  /** The client sets it to `arraybuffer`. */
  binaryType: string;
  /** The client hears by it that messages can be sent. */
  onopen: ((event: SocketEvent) => void) | null;
  /** The client hears messages by it. */
  onmessage: ((event: SocketEvent) => void) | null;
  /** The client hears by it that the connection has ended. */
  onclose: ((event: SocketEvent) => void) | null;
  /** As {@link Socket.onclose}: whichever comes first. */
  onerror: ((event: SocketEvent) => void) | null;
  /** Bytes that were given to {@link send} and that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Sends one message. The bytes are valid until it returns. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Ends the connection. The client has stopped listening by then. */
  close(): void;
}

/** Opens a socket to an address with a subprotocol; what it throws counts as a failed attempt to connect. */
export type SocketFactory = (url: string, protocol: string) => Socket;

/** The socket of the browser, or of Node.js. */
export const openSocket: SocketFactory = (url, protocol) => new WebSocket(url, protocol) as Socket;
