// SPDX-License-Identifier: MIT
// How many messages a second Microsoft's JavaScript SDK sends, and receives and completes.
//
// Usage: node bench.mjs MODULES N BYTES TOPIC SUBSCRIPTION CONNECTION_STRING. Prints JSON.
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.resolve(process.argv[2]) + path.sep);
const { ServiceBusClient } = require("@azure/service-bus");
const [n, bytes] = process.argv.slice(3, 5).map(Number);
const [topic, subscription, connectionString] = process.argv.slice(5);
const atOnce = 500;

const names = ["tenant_id", "job_id", "step_id", "step_type", "service", "lane", "mode",
	"attempt_no", "lease_id"];
const message = {
	body: Buffer.alloc(bytes, 120),
	subject: "OCR",
	contentType: "application/json",
	applicationProperties: Object.fromEntries(names.map((name) => [name, "0123456789abcdef"])),
};

const client = new ServiceBusClient(connectionString);
const sender = client.createSender(topic);

async function sendAll(count) {
	let left = count;
	await Promise.all(Array.from({ length: atOnce }, async () => {
		while (left > 0) {
			left -= 1;
			await sender.sendMessages(message);
		}
	}));
}

function receiveAll() {
	const receiver = client.createReceiver(topic, subscription,
		{ maxAutoLockRenewalDurationInMs: 0 });
	let done = 0;
	return new Promise((resolve, reject) => {
		receiver.subscribe({
			processMessage: async (taken) => {
				await receiver.completeMessage(taken);
				done += 1;
				if (done === n) {
					resolve();
				}
			},
			processError: async ({ error }) => reject(error),
		}, { maxConcurrentCalls: atOnce, autoCompleteMessages: false });
	});
}

async function measure(work) {
	const start = process.hrtime.bigint();
	await work();
	return n / (Number(process.hrtime.bigint() - start) / 1e9);
}

const warm = 100;
await sendAll(warm);
const send = await measure(() => sendAll(n));
const receive = await measure(receiveAll);
console.log(JSON.stringify({ send, receive }));
process.exit(0);
