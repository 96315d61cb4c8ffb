// SPDX-License-Identifier: MIT
// What platform consumers do with Microsoft's JavaScript SDK, against the connection string given.
//
// Usage: node scenarios.mjs MODULES [only=NAME] [restart] CONNECTION_STRING
// MODULES is the directory with node_modules. Each scenario has a topic of its own; all run side by
// side on one connection, as they would in one program. With `restart` the last one follows: it
// writes "restart the broker" and goes on after a line on standard input.
import { createRequire } from "node:module";
import path from "node:path";
import assert from "node:assert/strict";

const require = createRequire(path.resolve(process.argv[2]) + path.sep);
const { ServiceBusClient, delay } = require("@azure/service-bus");

const connectionString = process.argv[process.argv.length - 1];
const only = process.argv.filter((a) => a.startsWith("only=")).map((a) => a.slice(5));
const retryOptions = { maxRetries: 0, timeoutInMs: 20000 };
const noRenewal = { maxAutoLockRenewalDurationInMs: 0 };
const client = new ServiceBusClient(connectionString, { retryOptions });

class World {
	constructor(number) {
		this.topic = `events-${number}`;
		this.open = [];
	}

	async send(...messages) {
		const sender = client.createSender(this.topic);
		for (const message of messages) {
			await sender.sendMessages(message);
		}
		await sender.close();
	}

	receiver(name = "all", options = {}) {
		const receiver = client.createReceiver(this.topic, name, options);
		this.open.push(receiver);
		return receiver;
	}

	async close() {
		for (const receiver of this.open) {
			await receiver.close();
		}
	}
}

async function one(receiver, maxWaitTimeInMs = 5000) {
	const messages = await receiver.receiveMessages(1, { maxWaitTimeInMs });
	assert.equal(messages.length, 1, "a message did not come");
	return messages[0];
}

async function nothing(receiver) {
	const messages = await receiver.receiveMessages(1, { maxWaitTimeInMs: 500 });
	assert.deepEqual(messages.map((m) => m.body), []);
}

async function failsWith(code, promise) {
	await assert.rejects(promise, (error) => {
		assert.equal(error.code, code, `${error.code}: ${error.message}`);
		return true;
	});
}

async function sendReceiveComplete(world) {
	await world.send({
		body: { type: "DIRECTIVE" },
		messageId: "id-1",
		subject: "OCR",
		correlationId: "c-1",
		contentType: "application/json",
		applicationProperties: { step_type: "OCR", attempt_no: 1, ok: true },
	});
	const receiver = world.receiver();
	const message = await one(receiver);
	assert.deepEqual(message.body, { type: "DIRECTIVE" });
	assert.equal(message.messageId, "id-1");
	assert.equal(message.subject, "OCR");
	assert.equal(message.correlationId, "c-1");
	assert.equal(message.contentType, "application/json");
	assert.deepEqual(message.applicationProperties, { step_type: "OCR", attempt_no: 1, ok: true });
	assert.equal(message.deliveryCount, 0);
	assert.ok(message.sequenceNumber.toNumber() > 0);
	assert.ok(message.lockedUntilUtc.getTime() - Date.now() > 50000);
	assert.equal(message.state, "active");
	await receiver.completeMessage(message);
	await nothing(receiver);
}

async function batch(world) {
	const sender = client.createSender(world.topic);
	const messages = await sender.createMessageBatch();
	for (let i = 0; i < 100; i++) {
		assert.ok(messages.tryAddMessage({ body: i }));
	}
	await sender.sendMessages(messages);
	await sender.sendMessages(Array.from({ length: 50 }, (_, i) => ({ body: 100 + i })));
	const receiver = world.receiver();
	const got = [];
	while (got.length < 150) {
		const some = await receiver.receiveMessages(50, { maxWaitTimeInMs: 5000 });
		assert.ok(some.length > 0);
		await Promise.all(some.map((message) => receiver.completeMessage(message)));
		got.push(...some.map((message) => message.body));
	}
	assert.deepEqual(got, Array.from({ length: 150 }, (_, i) => i));
	await sender.close();
}

async function abandonCountsAndChangesProperties(world) {
	await world.send({ body: "x" });
	const receiver = world.receiver();
	await receiver.abandonMessage(await one(receiver), { tried: "once" });
	const again = await one(receiver);
	assert.equal(again.deliveryCount, 1);
	assert.equal(again.applicationProperties.tried, "once");
	await receiver.abandonMessage(again);
	await receiver.abandonMessage(await one(receiver));
	await nothing(receiver);
	const dead = world.receiver("all", { subQueueType: "deadLetter" });
	const message = await one(dead);
	assert.equal(message.deadLetterReason, "MaxDeliveryCountExceeded");
	await dead.completeMessage(message);
}

async function deadLetter(world) {
	await world.send({ body: "x", applicationProperties: { kept: "yes" } });
	const receiver = world.receiver();
	await receiver.deadLetterMessage(await one(receiver), {
		deadLetterReason: "NotAReply",
		deadLetterErrorDescription: "it has no jobId",
		more: 1,
	});
	const dead = world.receiver("all", { subQueueType: "deadLetter" });
	const message = await one(dead);
	assert.equal(message.deadLetterReason, "NotAReply");
	assert.equal(message.deadLetterErrorDescription, "it has no jobId");
	assert.equal(message.deadLetterSource, `${world.topic}/Subscriptions/all`);
	assert.equal(message.applicationProperties.kept, "yes");
	assert.equal(message.applicationProperties.more, 1);
	await dead.completeMessage(message);
	await nothing(dead);
}

async function defer(world) {
	await world.send({ body: "later" });
	const receiver = world.receiver();
	const message = await one(receiver);
	await receiver.deferMessage(message);
	await nothing(receiver);
	const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
	assert.equal(deferred.body, "later");
	assert.equal(deferred.state, "deferred");
	await receiver.completeMessage(deferred);
	await failsWith(
		"MessageNotFound", receiver.receiveDeferredMessages(message.sequenceNumber));
}

async function renew(world) {
	await world.send({ body: "x" });
	const receiver = world.receiver("brief-lock", noRenewal);
	const message = await one(receiver);
	const before = message.lockedUntilUtc;
	const until = await receiver.renewMessageLock(message);
	assert.ok(until > before, `${until} ${before}`);
	await receiver.completeMessage(message);
}

async function lostLock(world) {
	await world.send({ body: "x" });
	const receiver = world.receiver("brief-lock", noRenewal);
	const message = await one(receiver);
	const again = await one(receiver, 10000);
	assert.equal(again.deliveryCount, 1);
	await failsWith("MessageLockLost", receiver.completeMessage(message));
	await failsWith("MessageLockLost", receiver.renewMessageLock(message));
	await receiver.completeMessage(again);
	await nothing(receiver);
}

async function subscribeRenewsByItself(world) {
	const receiver = world.receiver("renewed-lock");
	await world.send({ body: "x" });
	const n = await new Promise((resolve, reject) => {
		let count = 0;
		receiver.subscribe(
			{
				processMessage: async (message) => {
					count += 1;
					// Longer than the lock lasts: it is renewed meanwhile.
					await delay(13000);
					await receiver.completeMessage(message);
					resolve(count);
				},
				processError: async ({ error }) => reject(error),
			},
			{ autoCompleteMessages: false });
	});
	assert.equal(n, 1);
}

async function subscribeGetsAll(world) {
	const total = 300;
	const receiver = world.receiver();
	const bodies = new Set();
	const done = new Promise((resolve, reject) => {
		receiver.subscribe(
			{
				processMessage: async (message) => {
					bodies.add(message.body);
					if (bodies.size === total) {
						resolve();
					}
				},
				processError: async ({ error }) => reject(error),
			},
			{ maxConcurrentCalls: 20 });
	});
	for (let i = 0; i < total; i += 100) {
		await world.send(Array.from({ length: 100 }, (_, k) => ({ body: i + k })));
	}
	await done;
	assert.equal(bodies.size, total);
}

async function largeMessages(world) {
	const bodies = [60000, 65536, 200 * 1024, 900000].map((n, i) => Buffer.alloc(n, 65 + i));
	for (const body of bodies) {
		await world.send({ body });
	}
	const receiver = world.receiver();
	for (const body of bodies) {
		const message = await one(receiver, 20000);
		assert.ok(Buffer.compare(Buffer.from(message.body), body) === 0);
		await receiver.completeMessage(message);
	}
}

// One of these fills a frame of 65536 bytes exactly on the way in.
async function messagesAroundTheFrameLimit(world) {
	const sizes = Array.from({ length: 384 }, (_, i) => 65536 - 384 + i);
	const sender = client.createSender(world.topic);
	for (const size of sizes) {
		await sender.sendMessages({ body: Buffer.alloc(size, 102) });
	}
	const receiver = world.receiver("all", { receiveMode: "receiveAndDelete" });
	const got = [];
	while (got.length < sizes.length) {
		const some = await receiver.receiveMessages(50, { maxWaitTimeInMs: 5000 });
		assert.ok(some.length > 0, `only ${got.length} came`);
		got.push(...some.map((message) => message.body.length));
	}
	assert.deepEqual(got, sizes);
	await sender.close();
}

async function tooLarge(world) {
	await failsWith("MessageSizeExceeded", world.send({ body: Buffer.alloc(2 << 20, 65) }));
	await world.send({ body: "the next one" });
	const receiver = world.receiver();
	await receiver.completeMessage(await one(receiver));
}

async function emptyReceiveDrains(world) {
	const receiver = world.receiver();
	await nothing(receiver);
	await nothing(receiver);
	await world.send({ body: "after" });
	const message = await one(receiver);
	assert.equal(message.deliveryCount, 0);
	await receiver.completeMessage(message);
}

async function receiveAndDelete(world) {
	await world.send({ body: "a" }, { body: "b" });
	const receiver = world.receiver("all", { receiveMode: "receiveAndDelete" });
	assert.equal((await one(receiver)).body, "a");
	assert.equal((await one(receiver)).body, "b");
	await nothing(world.receiver());
}

async function peek(world) {
	await world.send({ body: "p0" }, { body: "p1" }, { body: "p2" });
	const receiver = world.receiver();
	const first = await receiver.peekMessages(2);
	assert.deepEqual(first.map((m) => m.body), ["p0", "p1"]);
	const rest = await receiver.peekMessages(10);
	assert.deepEqual(rest.map((m) => m.body), ["p2"]);
	assert.deepEqual(await receiver.peekMessages(10), []);
}

async function schedule(world) {
	const sender = client.createSender(world.topic);
	const soon = new Date(Date.now() + 1500);
	const numbers = await sender.scheduleMessages([{ body: "soon" }], soon);
	assert.equal(numbers.length, 1);
	const [late] = await sender.scheduleMessages({ body: "never" }, new Date(Date.now() + 3600000));
	await sender.cancelScheduledMessages(late);
	const receiver = world.receiver();
	const message = await one(receiver, 10000);
	assert.equal(message.body, "soon");
	assert.ok(Date.now() >= soon.getTime() - 10);
	await receiver.completeMessage(message);
	await sender.close();
}

async function unknownEntity() {
	const sender = client.createSender("no-such-topic");
	await failsWith("MessagingEntityNotFound", sender.sendMessages({ body: "x" }));
	const receiver = client.createReceiver("no-such-topic", "sub");
	await failsWith("MessagingEntityNotFound", receiver.receiveMessages(1));
}

async function sessionsAreRefused(world) {
	await assert.rejects(client.acceptSession(world.topic, "all", "one"));
}

async function wrongKey(world) {
	const other = new ServiceBusClient(
		connectionString.replace("SAS_KEY_VALUE", "ANOTHER_KEY"), { retryOptions });
	const sender = other.createSender(world.topic);
	await failsWith("UnauthorizedAccess", sender.sendMessages({ body: "x" }));
	await other.close();
}

async function filters(world) {
	const paint = (color, size) =>
		({ body: `${color}${size}`, subject: "paint", applicationProperties: { color, size } });
	await world.send(paint("red", 5), paint("blue", 20), paint("red", 20), { body: "red" });
	for (const [name, expected] of [["red", ["red5", "red20"]], ["large", ["blue20", "red20"]]]) {
		const receiver = world.receiver(name);
		for (const body of expected) {
			const message = await one(receiver);
			assert.equal(message.body, body);
			await receiver.completeMessage(message);
		}
		await nothing(receiver);
	}
}

// With what it had before: client, sender, a receiver that is asked and one that is told.
async function goesOnAfterTheBrokerRestarted(world) {
	const patient = new ServiceBusClient(connectionString, {
		retryOptions: { maxRetries: 20, retryDelayInMs: 300, timeoutInMs: 5000 } });
	const sender = patient.createSender(world.topic);
	const receiver = patient.createReceiver(world.topic, "all");
	const told = patient.createReceiver(world.topic, "red");
	const processed = new Promise((resolve) => {
		told.subscribe({
			processMessage: async (message) => resolve(message.body),
			processError: async () => {},
		});
	});
	await sender.sendMessages({ body: "before" });
	await receiver.completeMessage(await one(receiver));
	console.log("restart the broker");
	await new Promise((resolve) => process.stdin.once("data", resolve));
	await sender.sendMessages(
		{ body: "after", subject: "paint", applicationProperties: { color: "red" } });
	const message = await one(receiver, 30000);
	assert.equal(message.body, "after");
	await receiver.renewMessageLock(message);
	await receiver.completeMessage(message);
	assert.equal(await processed, "after");
	await patient.close();
}

const scenarios = [
	sendReceiveComplete, batch, abandonCountsAndChangesProperties, deadLetter, defer, renew,
	lostLock, subscribeRenewsByItself, subscribeGetsAll, largeMessages,
	messagesAroundTheFrameLimit, tooLarge, emptyReceiveDrains, receiveAndDelete, peek, schedule, unknownEntity, sessionsAreRefused,
	wrongKey, filters,
];

async function run(scenario, number) {
	const world = new World(number);
	const start = Date.now();
	try {
		await scenario(world);
		await world.close();
		console.log(`ok   ${scenario.name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
		return true;
	} catch (error) {
		console.log(`${error.stack}\nFAIL ${scenario.name}`);
		return false;
	}
}

const chosen = scenarios.filter((s) => only.length === 0 || only.includes(s.name));
const results = await Promise.all(chosen.map((s) => run(s, scenarios.indexOf(s))));
await client.close();
if (process.argv.includes("restart")) {
	results.push(await run(goesOnAfterTheBrokerRestarted, scenarios.length));
}
const failed = results.filter((isGood) => !isGood).length;
console.log(`${results.length} scenarios, ${failed} failed`);
process.exit(results.length === 0 || failed !== 0 ? 1 : 0);
