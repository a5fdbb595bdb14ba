// HTTP beside the socket: older history and files. The token travels in a header, never in an address.

export function fetcher(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return {
    async fetchJson(path) {
      try {
        const answer = await fetch(path, { headers });
        return answer.ok ? await answer.json() : null;
      } catch {
        return null; // the connection's own state says what is wrong
      }
    },
    // {blob} or {why}: one sentence.
    async fetchFile(path) {
      try {
        const answer = await fetch(path, { headers });
        if (answer.ok) return { blob: await answer.blob() };
        return { why: sentence(await answer.text()) || "jamlink could not make that file." };
      } catch {
        return { why: "jamlink did not answer. Nothing was saved; try again." };
      }
    },
  };
}

// The token of this door for the code on the host's screen: {token} or {why}.
export async function pair(code) {
  try {
    const answer = await fetch("/pair", { headers: { Authorization: `Code ${code.replace(/[^0-9]/g, "")}` } });
    return answer.ok ? await answer.json() : { why: sentence(await answer.text()) };
  } catch {
    return { why: "jamlink did not answer; try again." };
  }
}

const sentence = (text) => (text.startsWith("<") ? "" : text.trim().slice(0, 200));
