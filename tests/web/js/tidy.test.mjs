import assert from "node:assert/strict";
import { test } from "node:test";

import { keepTidy } from "../../../jamlink/web/static/js/core/tidy.js";

test("the browser is asked once at every turn, and its refusal is no trouble", async () => {
  let [turn, asked] = [null, 0];
  keepTidy(() => Promise.reject(new Error(`no, ${++asked}`)), (run) => (turn = run));
  assert.equal(asked, 0);
  turn();
  turn();
  await new Promise((done) => setImmediate(done)); // an unhandled rejection would end the test run here
  assert.equal(asked, 2);
});

test("a browser that knows no such question is left alone", () => {
  keepTidy(null, () => assert.fail("it was asked"));
});
