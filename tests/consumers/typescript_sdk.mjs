// The TypeScript SDK, which checks every answer against its tool's output schema: node typescript_sdk.mjs COMMAND PHOTOS
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, photos] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "consumer-"));
const env = { ...process.env, AUTOBG_IMAGE_DIRS: photos, AUTOBG_OUTPUT_DIR: folder, AUTOBG_STATE_DIR: folder };
const client = new Client({ name: "consumer", version: "1" });
await client.connect(new StdioClientTransport({ command, args: ["serve", "--sandbox"], env }));
const { tools } = await client.listTools();
const asked = [];

async function ask(name, args = {}) {
  assert(tools.some((tool) => tool.name === name), `${name} is not offered`);
  const answer = await client.callTool({ name, arguments: args });
  assert(!answer.isError, JSON.stringify(answer.content));
  asked.push(name);
  return answer;
}

await ask("getUserCreditDetails");
const photo = join(photos, "02-front.jpg");
const paid = await ask("replaceNumPlate", {
  images: [photo], numberPlate: "AB-1", numPlateProcessor: 1, processType: "ai", numPlateImage: null, dryRun: undefined,
});
const batchID = String(paid.structuredContent.batchID);
await ask("waitForBatch", { batchID, waitSeconds: 30 });
const { structuredContent: status } = await ask("getImageStatus", { batchID, all: true });
const picID = String(status.images[0].picID);
const { content } = await ask("getImagesRaw", { picID });
assert.equal(content.filter((block) => block.type === "image").length, 1);
await ask("reportManyImages", { reports: [{ picID, reportReason: ["Number plate"], reportComment: null }] });
console.log(`${tools.length} tools; called ${asked.join(", ")}; 1 picture seen`);
await client.close();
