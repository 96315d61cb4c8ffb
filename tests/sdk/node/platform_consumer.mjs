// SPDX-License-Identifier: MIT
// A platform consumer with Microsoft's JavaScript SDK, as a team of its own would write it: takes one
// directive of a lane, answers ACK and RESULT on the lane's reply topic, completes it.
//
// Usage: node platform_consumer.mjs MODULES CONNECTION_STRING SUBSCRIPTION LANE OUTPUT_REF
import { createRequire } from "node:module";
import path from "node:path";
import assert from "node:assert/strict";

const [, , modules, connectionString, subscription, lane, outputRef] = process.argv;
const require = createRequire(path.resolve(modules) + path.sep);
const { ServiceBusClient } = require("@azure/service-bus");

function reply(directive, members) {
	const { jobId, stepId, tenant_id, attempt_no, lease_id } = directive;
	const timestamp = new Date().toISOString();
	return {
		body: { jobId, stepId, tenant_id, attempt_no, lease_id, timestamp, ...members },
		contentType: "application/json",
	};
}

const client = new ServiceBusClient(connectionString);
const receiver = client.createReceiver(`global-bus-p${lane}`, subscription);
const sender = client.createSender(`global-bus-replies-p${lane}`);
const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 60000 });
assert.ok(message, "no directive came");
const directive = message.body;
assert.equal(message.messageId,
	`${directive.jobId}:${directive.stepId}:${directive.attempt_no}`);
assert.equal(message.subject, directive.step_type);
assert.equal(message.applicationProperties.lease_id, directive.lease_id);
await sender.sendMessages(reply(directive, { type: "ACK" }));
await sender.sendMessages(
	reply(directive, { type: "RESULT", status: "SUCCEEDED", output_ref: { uri: outputRef } }));
await receiver.completeMessage(message);
await client.close();
