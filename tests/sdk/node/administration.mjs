// SPDX-License-Identifier: MIT
// Microsoft's JavaScript administration client against the management API of bus-local.
//
// Usage: NODE_EXTRA_CA_CERTS=FILE node administration.mjs MODULES CONNECTION_STRING
import { createRequire } from "node:module";
import path from "node:path";
import assert from "node:assert/strict";

const require = createRequire(path.resolve(process.argv[2]) + path.sep);
const { ServiceBusAdministrationClient } = require("@azure/service-bus");
const connectionString = process.argv[process.argv.length - 1];
const client = new ServiceBusAdministrationClient(connectionString);
const [topic, subscription] = ["made-by-javascript", "its-subscription"];

async function failsWith(code, promise) {
	await assert.rejects(promise, (error) => {
		assert.equal(error.code, code, `${error.code}: ${error.message}`);
		return true;
	});
}

async function topics() {
	await client.createTopic(topic, {
		defaultMessageTimeToLive: "PT1H",
		requiresDuplicateDetection: true,
		duplicateDetectionHistoryTimeWindow: "PT5M",
	});
	const found = await client.getTopic(topic);
	assert.equal(found.name, topic);
	assert.equal(found.requiresDuplicateDetection, true);
	assert.ok(await client.topicExists(topic));
	assert.ok(!(await client.topicExists("no-such-topic")));
	await failsWith("MessageEntityAlreadyExistsError", client.createTopic(topic));
	await failsWith("MessageEntityNotFoundError", client.getTopic("no-such-topic"));
	const names = [];
	for await (const one of client.listTopics()) {
		names.push(one.name);
	}
	assert.ok(names.includes(topic) && names.includes("global-bus-replies-p15"), names.join());
	assert.equal((await client.getTopicRuntimeProperties("global-bus-p1")).subscriptionCount, 3);
}

async function subscriptions() {
	const made = await client.createSubscription(topic, subscription, {
		lockDuration: "PT2M",
		maxDeliveryCount: 7,
		deadLetteringOnMessageExpiration: true,
		defaultRuleOptions: {
			name: "only-me",
			filter: { correlationId: "x", applicationProperties: { target: "a", n: 3 } },
		},
	});
	assert.equal(made.maxDeliveryCount, 7);
	assert.ok(await client.subscriptionExists(topic, subscription));
	assert.ok(!(await client.subscriptionExists(topic, "no-such")));
	const rule = await client.getRule(topic, subscription, "only-me");
	assert.equal(rule.filter.correlationId, "x");
	assert.deepEqual(rule.filter.applicationProperties, { target: "a", n: 3 });
	const names = [];
	for await (const one of client.listSubscriptions(topic)) {
		names.push(one.subscriptionName);
	}
	assert.deepEqual(names, [subscription]);
	const runtime = await client.getSubscriptionRuntimeProperties(topic, subscription);
	assert.equal(runtime.activeMessageCount, 0);
}

async function rules() {
	await client.createRule(topic, subscription, "sql", { sqlExpression: "size > 10" });
	assert.equal(
		(await client.getRule(topic, subscription, "sql")).filter.sqlExpression, "size > 10");
	// As the Python SDK writes whole numbers.
	await client.createRule(topic, subscription, "number", { applicationProperties: { n: 7 } });
	assert.deepEqual((await client.getRule(topic, subscription, "number")).filter
		.applicationProperties, { n: 7 });
	await client.deleteRule(topic, subscription, "number");
	const names = [];
	for await (const one of client.listRules(topic, subscription)) {
		names.push(one.name);
	}
	assert.deepEqual(names.sort(), ["only-me", "sql"]);
	await client.deleteRule(topic, subscription, "sql");
	assert.ok(!(await client.ruleExists(topic, subscription, "sql")));
}

async function deletion() {
	await client.deleteSubscription(topic, subscription);
	await client.deleteTopic(topic);
	assert.ok(!(await client.topicExists(topic)));
	await failsWith("MessageEntityNotFoundError", client.deleteTopic(topic));
}

for (const part of [topics, subscriptions, rules, deletion]) {
	await part();
	console.log(`ok   ${part.name}`);
}
const other = new ServiceBusAdministrationClient(
	connectionString.replace("SAS_KEY_VALUE", "ANOTHER"));
await failsWith("UnauthorizedRequestError", other.getTopic("global-bus-p0"));
