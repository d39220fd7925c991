/** What a client hears of its socket: `data` is an `ArrayBuffer` where `type` is `message`. */
export interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
}

/** What a client uses of a `WebSocket`; it calls nothing before it has set the four listeners. */
export interface Socket {
  /** The client sets it to `arraybuffer`. */
  binaryType: string;
  onopen: ((event: SocketEvent) => void) | null;
  onmessage: ((event: SocketEvent) => void) | null;
  onclose: ((event: SocketEvent) => void) | null;
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
