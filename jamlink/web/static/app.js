// The smallest page: shows the state as it comes. The page proper takes its place.
const token = location.hash.slice(1) || sessionStorage.getItem("token") || "";
sessionStorage.setItem("token", token);
const status = document.getElementById("status");
let state = {};
const socket = new WebSocket(`ws://${location.host}/ws`, ["jamlink", `token.${token}`]);
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.kind === "snapshot") state = message.state;
  if (message.kind === "delta") {
    state = { ...state, ...message.changes };
    for (const name of message.gone ?? []) delete state[name];
  }
  if (message.kind === "notice") status.textContent = message.text;
  if (message.kind === "goodbye") status.textContent = message.why || "Goodbye.";
  else status.textContent = "connected";
  document.getElementById("state").textContent = JSON.stringify(state, null, 1);
};
socket.onclose = () => { status.textContent = "The connection is lost."; };
