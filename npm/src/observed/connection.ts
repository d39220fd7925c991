import type { Client } from "../client.js";
import type { LinkStatus } from "../state.js";
import { Watched, type Observed } from "./observed.js";

/** The status of a connection that is not there yet. */
export const unconnected: LinkStatus = { state: "connecting", retryAt: null, error: null };

const made = new WeakMap<Client, Observed<LinkStatus>>();

/** How the connection of a client stands. */
export function connectionOf(client: Client): Observed<LinkStatus> {
  let observed = made.get(client);
  if (!observed) {
    observed = new Watched({ read: () => client.status, listen: (changed) => client.on("status", () => changed("soon")) });
    made.set(client, observed);
  }
  return observed;
}
