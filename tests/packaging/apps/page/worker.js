import { connect } from "cowrite";

globalThis.onmessage = async ({ data: url }) => {
  const shared = connect(url, { token: "dev:worker" }).open("packaged");
  await shared.ready;
  shared.insert(shared.length, "from a worker");
  await shared.whenAccepted();
  postMessage("accepted");
};
