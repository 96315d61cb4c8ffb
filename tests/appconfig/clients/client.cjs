// SPDX-License-Identifier: MIT
// Judges the stand-in with Microsoft's JavaScript client and provider, unchanged. Run with NODE_PATH.
const assert = require("node:assert");
const { AppConfigurationClient, isSecretReference } = require("@azure/app-configuration");
const { load } = require("@azure/app-configuration-provider");

const connection = process.env.CONNECTION;
const wrong = connection.replace(/Secret=.*/, "Secret=" + Buffer.from("wrong").toString("base64"));

async function all(pages) {
	const items = [];
	for await (const item of pages) items.push(item);
	return items;
}

async function judgeClient() {
	const client = new AppConfigurationClient(connection);
	const kept = await client.setConfigurationSetting({ key: "js:a b/c,d*e", value: "1", label: "prod" });
	assert.ok(kept.etag);
	const read = await client.getConfigurationSetting({ key: "js:a b/c,d*e", label: "prod" });
	assert.strictEqual(read.value, "1");
	assert.strictEqual(read.etag, kept.etag);
	const same = await client.getConfigurationSetting(read, { onlyIfChanged: true });
	assert.strictEqual(same.statusCode, 304);
	await assert.rejects(client.addConfigurationSetting({ key: "js:a b/c,d*e", value: "2", label: "prod" }));
	for (let i = 0; i < 7; i++) {
		await client.setConfigurationSetting({ key: `js:page:${i}`, value: `${i}` });
	}
	const found = await all(client.listConfigurationSettings({ keyFilter: "js:page:*", labelFilter: "\0" }));
	assert.deepStrictEqual(found.map((item) => item.value), ["0", "1", "2", "3", "4", "5", "6"]);
	// Page ETags: nothing has changed, so that no page has items; then the second page has.
	const filter = { keyFilter: "js:page:*", labelFilter: "\0" };
	const etags = [];
	for await (const page of client.listConfigurationSettings(filter).byPage()) etags.push(page.etag);
	assert.ok(etags.length === 3 && etags.every((etag) => etag));
	const again = [];
	for await (const page of client.listConfigurationSettings({ ...filter, pageEtags: etags }).byPage()) {
		again.push(Number(page._response.status));
	}
	assert.deepStrictEqual(again, [304, 304, 304]);
	await client.setConfigurationSetting({ key: "js:page:4", value: "new" });
	const changed = [];
	for await (const page of client.listConfigurationSettings({ ...filter, pageEtags: etags }).byPage()) {
		changed.push(Number(page._response.status));
	}
	assert.deepStrictEqual(changed, [304, 200, 304]);
	await client.setReadOnly({ key: "js:page:1" }, true);
	await assert.rejects(client.deleteConfigurationSetting({ key: "js:page:1" }), { statusCode: 409 });
	await client.setReadOnly({ key: "js:page:1" }, false);
	await client.deleteConfigurationSetting({ key: "js:page:1" });
	await assert.rejects(client.getConfigurationSetting({ key: "js:page:1" }), { statusCode: 404 });
	const refused = new AppConfigurationClient(wrong);
	await assert.rejects(refused.getConfigurationSetting({ key: "js:page:2" }), { statusCode: 401 });
	await client.setConfigurationSetting({
		key: "js:vault", value: { secretId: "https://v.vault.azure.net/secrets/s" },
		contentType: "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8" });
	assert.ok(isSecretReference(await client.getConfigurationSetting({ key: "js:vault" })));
}

async function judgeProvider() {
	const client = new AppConfigurationClient(connection);
	await client.setConfigurationSetting({ key: "p:one", value: "base" });
	await client.setConfigurationSetting({ key: "p:one", value: "prod", label: "prod" });
	await client.setConfigurationSetting({ key: "p:two", value: "base" });
	await client.setConfigurationSetting({ key: "p:json", value: '{"a": [1]}', contentType: "application/json" });
	const settings = await load(connection, {
		selectors: [{ keyFilter: "*", labelFilter: "\0" }, { keyFilter: "p:*", labelFilter: "prod" }],
		trimKeyPrefixes: ["p:"],
		keyVaultOptions: { secretResolver: (url) => "resolved " + url.pathname },
		refreshOptions: { enabled: true, refreshIntervalInMs: 1000 },
		replicaDiscoveryEnabled: false,
	});
	assert.strictEqual(settings.get("one"), "prod");
	assert.strictEqual(settings.get("two"), "base");
	assert.deepStrictEqual(settings.get("json"), { a: [1] });
	assert.strictEqual(settings.get("js:vault"), "resolved /secrets/s");
	await client.setConfigurationSetting({ key: "p:two", value: "changed" });
	const end = Date.now() + 20000;
	while (settings.get("two") !== "changed" && Date.now() < end) {
		await new Promise((resolve) => setTimeout(resolve, 100));
		await settings.refresh();
	}
	assert.strictEqual(settings.get("two"), "changed");
}

judgeClient().then(judgeProvider).then(
	() => { console.log("good"); process.exit(0); },
	(error) => { console.error(error); process.exit(1); });
