// SPDX-License-Identifier: MIT
// What platform consumers do with Microsoft's Java SDK, against the connection string given.
//
// Usage: java -cp 'LIB/*' Scenarios.java [only=NAME] [restart] CONNECTION_STRING
// Each scenario has a topic and clients of its own; several run side by side. With `restart` the last
// one follows: it writes "restart the broker" and goes on after a line on standard input.
import com.azure.core.amqp.AmqpRetryOptions;
import com.azure.core.util.BinaryData;
import com.azure.messaging.servicebus.ServiceBusClientBuilder;
import com.azure.messaging.servicebus.ServiceBusException;
import com.azure.messaging.servicebus.ServiceBusFailureReason;
import com.azure.messaging.servicebus.ServiceBusMessage;
import com.azure.messaging.servicebus.ServiceBusMessageBatch;
import com.azure.messaging.servicebus.ServiceBusProcessorClient;
import com.azure.messaging.servicebus.ServiceBusReceivedMessage;
import com.azure.messaging.servicebus.ServiceBusReceiverClient;
import com.azure.messaging.servicebus.ServiceBusSenderClient;
import com.azure.messaging.servicebus.models.AbandonOptions;
import com.azure.messaging.servicebus.models.DeadLetterOptions;
import com.azure.messaging.servicebus.models.ServiceBusReceiveMode;
import com.azure.messaging.servicebus.models.SubQueue;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

final class Scenarios {
	static final Duration BOUND = Duration.ofSeconds(30);
	static final Duration SHORT = Duration.ofMillis(500);
	static final int AT_ONCE = 8;

	interface Scenario {
		void run(World world) throws Exception;
	}

	static final class Failure extends RuntimeException {
		Failure(String sentence) {
			super(sentence);
		}
	}

	static void check(boolean holds, String sentence) {
		if (!holds) {
			throw new Failure(sentence);
		}
	}

	static void want(Object found, Object expected) {
		check(Objects.equals(found, expected), "found " + found + " instead of " + expected);
	}

	static void failsWith(ServiceBusFailureReason reason, Runnable what) {
		try {
			what.run();
		} catch (ServiceBusException error) {
			check(error.getReason() == reason, error.getReason() + ": " + error.getMessage());
			return;
		}
		throw new Failure("it did not fail with " + reason);
	}

	/** A topic, and whatever was opened on it. */
	static final class World implements AutoCloseable {
		final String connection;
		final String topic;
		private final List<AutoCloseable> open = new ArrayList<>();
		private ServiceBusSenderClient sender;

		World(String connection, int number) {
			this.connection = connection;
			this.topic = "events-" + number;
		}

		ServiceBusClientBuilder builder() {
			AmqpRetryOptions retries =
				new AmqpRetryOptions().setTryTimeout(Duration.ofSeconds(20)).setMaxRetries(10);
			return new ServiceBusClientBuilder().connectionString(connection).retryOptions(retries);
		}

		ServiceBusSenderClient sender() {
			if (sender == null) {
				sender = builder().sender().topicName(topic).buildClient();
				open.add(sender);
			}
			return sender;
		}

		void send(String... bodies) {
			for (String body : bodies) {
				sender().sendMessage(new ServiceBusMessage(body));
			}
		}

		private ServiceBusClientBuilder.ServiceBusReceiverClientBuilder builder(String name) {
			return builder().receiver().disableAutoComplete().topicName(topic).subscriptionName(name)
				.maxAutoLockRenewDuration(Duration.ZERO);
		}

		private ServiceBusReceiverClient keep(ServiceBusReceiverClient receiver) {
			open.add(receiver);
			return receiver;
		}

		ServiceBusReceiverClient receiver(String name) {
			return keep(builder(name).buildClient());
		}

		ServiceBusReceiverClient receiver() {
			return receiver("all");
		}

		ServiceBusReceiverClient deadLetters() {
			return keep(builder("all").subQueue(SubQueue.DEAD_LETTER_QUEUE).buildClient());
		}

		ServiceBusReceiverClient deleting() {
			return keep(
				builder("all").receiveMode(ServiceBusReceiveMode.RECEIVE_AND_DELETE).buildClient());
		}

		@Override
		public void close() throws Exception {
			for (AutoCloseable one : open) {
				one.close();
			}
		}
	}

	static ServiceBusReceivedMessage one(ServiceBusReceiverClient receiver) {
		for (ServiceBusReceivedMessage message : receiver.receiveMessages(1, BOUND)) {
			return message;
		}
		throw new Failure("a message did not come");
	}

	static void nothing(ServiceBusReceiverClient receiver) {
		for (ServiceBusReceivedMessage message : receiver.receiveMessages(1, SHORT)) {
			throw new Failure("a message that nobody expected: " + message.getBody());
		}
	}

	static void sendReceiveComplete(World world) {
		ServiceBusMessage sent = new ServiceBusMessage("{\"type\": \"DIRECTIVE\"}").setMessageId("id-1")
			.setSubject("OCR").setCorrelationId("c-1").setContentType("application/json").setTo("there")
			.setReplyTo("here");
		Map<String, Object> properties =
			Map.of("step_type", "OCR", "attempt_no", 1, "ok", true, "ratio", 0.5);
		sent.getApplicationProperties().putAll(properties);
		world.sender().sendMessage(sent);
		ServiceBusReceiverClient receiver = world.receiver();
		ServiceBusReceivedMessage message = one(receiver);
		want(message.getBody().toString(), "{\"type\": \"DIRECTIVE\"}");
		want(message.getMessageId(), "id-1");
		want(message.getSubject(), "OCR");
		want(message.getCorrelationId(), "c-1");
		want(message.getContentType(), "application/json");
		want(message.getTo(), "there");
		want(message.getReplyTo(), "here");
		want(message.getApplicationProperties(), properties);
		want(message.getDeliveryCount(), 0L);
		check(message.getSequenceNumber() > 0, "the sequence number is " + message.getSequenceNumber());
		Duration left = Duration.between(OffsetDateTime.now(), message.getLockedUntil());
		check(left.toSeconds() >= 50 && left.toSeconds() <= 61, "the lock lasts " + left);
		receiver.complete(message);
		nothing(receiver);
	}

	static int completeAll(ServiceBusReceiverClient receiver, int n) {
		int got = 0;
		while (got < n) {
			int before = got;
			for (ServiceBusReceivedMessage message : receiver.receiveMessages(50, BOUND)) {
				receiver.complete(message);
				got++;
			}
			check(got > before, "only " + got + " of " + n + " messages came");
		}
		nothing(receiver);
		return got;
	}

	static void batch(World world) {
		ServiceBusMessageBatch batch = world.sender().createMessageBatch();
		for (int i = 0; i < 100; i++) {
			check(batch.tryAddMessage(new ServiceBusMessage("m" + i)), "message " + i + " has no room");
		}
		world.sender().sendMessages(batch);
		world.sender().sendMessages(
			List.of(new ServiceBusMessage("l0"), new ServiceBusMessage("l1")));
		want(completeAll(world.receiver(), 102), 102);
	}

	/** As many bytes as the link allows, to the last message that fits. */
	static void fullBatch(World world) {
		ServiceBusMessageBatch batch = world.sender().createMessageBatch();
		while (batch.tryAddMessage(new ServiceBusMessage("x".repeat(4000)))) {
		}
		int n = batch.getCount();
		check(n > 40, "a batch has room for " + n + " messages only");
		world.sender().sendMessages(batch);
		want(completeAll(world.receiver(), n), n);
	}

	static void abandonCountsAndEndsAsDeadLetter(World world) {
		world.sender().sendMessage(new ServiceBusMessage("x").setMessageId("abandoned"));
		ServiceBusReceiverClient receiver = world.receiver();
		for (int count = 0; count < 3; count++) {
			ServiceBusReceivedMessage message = one(receiver);
			want(message.getDeliveryCount(), (long) count);
			receiver.abandon(message, new AbandonOptions().setPropertiesToModify(Map.of("tried", count)));
		}
		nothing(receiver);
		ServiceBusReceiverClient dead = world.deadLetters();
		ServiceBusReceivedMessage message = one(dead);
		want(message.getMessageId(), "abandoned");
		want(message.getDeadLetterReason(), "MaxDeliveryCountExceeded");
		want(message.getApplicationProperties().get("tried"), 2);
		dead.complete(message);
	}

	static void deadLetter(World world) {
		ServiceBusMessage sent = new ServiceBusMessage("x");
		sent.getApplicationProperties().put("kept", "yes");
		world.sender().sendMessage(sent);
		ServiceBusReceiverClient receiver = world.receiver();
		receiver.deadLetter(one(receiver), new DeadLetterOptions().setDeadLetterReason("NotAReply")
			.setDeadLetterErrorDescription("it has no jobId"));
		nothing(receiver);
		ServiceBusReceiverClient dead = world.deadLetters();
		ServiceBusReceivedMessage message = one(dead);
		want(message.getDeadLetterReason(), "NotAReply");
		want(message.getDeadLetterErrorDescription(), "it has no jobId");
		want(message.getDeadLetterSource(), world.topic + "/Subscriptions/all");
		want(message.getApplicationProperties().get("kept"), "yes");
		dead.renewMessageLock(message);
		dead.complete(message);
		nothing(dead);
	}

	static void deferAndReceiveBySequenceNumber(World world) {
		world.send("later");
		ServiceBusReceiverClient receiver = world.receiver();
		ServiceBusReceivedMessage message = one(receiver);
		receiver.defer(message);
		nothing(receiver);
		ServiceBusReceivedMessage deferred = receiver.receiveDeferredMessage(message.getSequenceNumber());
		want(deferred.getBody().toString(), "later");
		receiver.complete(deferred);
	}

	/** A lock of two seconds held for five. */
	static void renewBeyondTheFirstLock(World world) {
		world.send("x");
		ServiceBusReceiverClient receiver = world.receiver("brief-lock");
		ServiceBusReceiverClient other = world.receiver("brief-lock");
		ServiceBusReceivedMessage message = one(receiver);
		OffsetDateTime until = message.getLockedUntil().plusSeconds(3);
		OffsetDateTime last = message.getLockedUntil();
		while (OffsetDateTime.now().isBefore(until)) {
			last = receiver.renewMessageLock(message);
			nothing(other);
		}
		check(last.isAfter(until), "the lock ends at " + last);
		receiver.complete(message);
	}

	static void lockThatIsLost(World world) {
		world.send("x");
		ServiceBusReceiverClient receiver = world.receiver("brief-lock");
		ServiceBusReceivedMessage message = one(receiver);
		ServiceBusReceiverClient other = world.receiver("brief-lock");
		ServiceBusReceivedMessage again = one(other);
		want(again.getDeliveryCount(), 1L);
		failsWith(ServiceBusFailureReason.MESSAGE_LOCK_LOST, () -> receiver.renewMessageLock(message));
		failsWith(ServiceBusFailureReason.MESSAGE_LOCK_LOST, () -> receiver.complete(message));
		other.complete(again);
		nothing(other);
	}

	static ServiceBusProcessorClient processor(World world, String name, int calls,
			java.util.function.Consumer<com.azure.messaging.servicebus.ServiceBusReceivedMessageContext> take,
			List<String> errors) {
		return world.builder().processor().topicName(world.topic).subscriptionName(name)
			.maxConcurrentCalls(calls).maxAutoLockRenewDuration(Duration.ofMinutes(1))
			.processMessage(take)
			.processError(error -> errors.add(error.getException().toString()))
			.buildProcessorClient();
	}

	/** The processor renews by itself: a lock of two seconds under work that takes six. */
	static void processorRenewsByItself(World world) throws Exception {
		AtomicInteger n = new AtomicInteger();
		CountDownLatch done = new CountDownLatch(1);
		List<String> errors = Collections.synchronizedList(new ArrayList<>());
		ServiceBusReceiverClient other = world.receiver("brief-lock");
		try (ServiceBusProcessorClient client = processor(world, "brief-lock", 1, taken -> {
			n.incrementAndGet();
			OffsetDateTime until = OffsetDateTime.now().plusSeconds(6);
			while (OffsetDateTime.now().isBefore(until)) {
				nothing(other);
			}
			done.countDown();
		}, errors)) {
			client.start();
			world.send("long");
			check(done.await(BOUND.toSeconds(), TimeUnit.SECONDS), "the work was not done");
		}
		nothing(other);
		want(n.get(), 1);
		want(errors, List.of());
	}

	/** What throws is abandoned, everything else completed; each message is worked on to its end once. */
	static void processorTakesAll(World world) throws Exception {
		int total = 200;
		Set<String> bodies = ConcurrentHashMap.newKeySet();
		Set<String> thrown = ConcurrentHashMap.newKeySet();
		AtomicInteger n = new AtomicInteger();
		CountDownLatch done = new CountDownLatch(total);
		List<String> errors = Collections.synchronizedList(new ArrayList<>());
		try (ServiceBusProcessorClient client = processor(world, "all", 20, taken -> {
			String body = taken.getMessage().getBody().toString();
			if (body.endsWith("0") && thrown.add(body)) {
				throw new IllegalStateException("not at the first time");
			}
			bodies.add(body);
			n.incrementAndGet();
			done.countDown();
		}, errors)) {
			client.start();
			List<ServiceBusMessage> messages = new ArrayList<>();
			for (int i = 0; i < total; i++) {
				messages.add(new ServiceBusMessage("m" + i));
			}
			world.sender().sendMessages(messages);
			check(done.await(BOUND.toSeconds(), TimeUnit.SECONDS), "only " + bodies.size() + " came");
		}
		want(bodies.size(), total);
		want(n.get(), total);
		want(errors.size(), total / 10);
		nothing(world.receiver());
	}

	static void largeMessages(World world) {
		ServiceBusReceiverClient receiver = world.receiver();
		byte letter = 'A';
		for (int size : new int[] {60000, 65536, 200 * 1024, 900000}) {
			byte[] body = new byte[size];
			Arrays.fill(body, letter++);
			world.sender().sendMessage(new ServiceBusMessage(BinaryData.fromBytes(body)));
			ServiceBusReceivedMessage message = one(receiver);
			check(Arrays.equals(message.getBody().toBytes(), body), size + " bytes came back as others");
			receiver.complete(message);
		}
	}

	/** One of these fills a frame of 65536 bytes exactly, on the way in and on the way out. */
	static void messagesAroundTheFrameLimit(World world) {
		Set<Integer> sizes = new HashSet<>();
		ServiceBusReceiverClient receiver = world.deleting();
		int n = 384;
		for (int size = 65536 - n; size < 65536; size++) {
			world.sender().sendMessage(new ServiceBusMessage(BinaryData.fromBytes(new byte[size])));
		}
		while (sizes.size() < n) {
			int before = sizes.size();
			receiver.receiveMessages(n, BOUND).forEach(
				message -> sizes.add(message.getBody().toBytes().length));
			check(sizes.size() > before, "only " + sizes.size() + " of " + n + " messages came");
		}
		want(sizes.contains(65536 - n) && sizes.contains(65535), true);
	}

	static void messageTooLarge(World world) {
		failsWith(ServiceBusFailureReason.MESSAGE_SIZE_EXCEEDED, () -> world.send("x".repeat(2 << 20)));
		world.send("the next one");
		ServiceBusReceiverClient receiver = world.receiver();
		receiver.complete(one(receiver));
	}

	static void emptyReceive(World world) {
		ServiceBusReceiverClient receiver = world.receiver();
		nothing(receiver);
		// What comes to the credit that is left is released; none of that may count.
		world.send("after");
		ServiceBusReceivedMessage message = one(receiver);
		want(message.getBody().toString(), "after");
		want(message.getDeliveryCount(), 0L);
		receiver.complete(message);
	}

	static void receiveAndDelete(World world) {
		world.send("a", "b");
		ServiceBusReceiverClient receiver = world.deleting();
		want(one(receiver).getBody().toString(), "a");
		want(one(receiver).getBody().toString(), "b");
		nothing(world.receiver());
	}

	static void peek(World world) {
		world.send("p0", "p1", "p2");
		ServiceBusReceiverClient receiver = world.receiver();
		List<String> bodies = new ArrayList<>();
		receiver.peekMessages(2).forEach(message -> bodies.add(message.getBody().toString()));
		receiver.peekMessages(10).forEach(message -> bodies.add(message.getBody().toString()));
		want(bodies, List.of("p0", "p1", "p2"));
	}

	static void schedule(World world) {
		OffsetDateTime soon = OffsetDateTime.now().plusSeconds(2);
		world.sender().scheduleMessage(new ServiceBusMessage("soon"), soon);
		long number = world.sender().scheduleMessage(new ServiceBusMessage("never"), soon.plusHours(1));
		world.sender().cancelScheduledMessage(number);
		ServiceBusReceiverClient receiver = world.receiver();
		ServiceBusReceivedMessage message = one(receiver);
		want(message.getBody().toString(), "soon");
		check(!OffsetDateTime.now().isBefore(soon.minusNanos(10_000_000)), "it came before " + soon);
		receiver.complete(message);
	}

	/** The wording of the refusal makes it final; else the sender would hang for minutes. */
	static void unknownEntity(World world) {
		try (ServiceBusSenderClient sender =
				world.builder().sender().topicName("no-such-topic").buildClient()) {
			failsWith(ServiceBusFailureReason.MESSAGING_ENTITY_NOT_FOUND,
				() -> sender.sendMessage(new ServiceBusMessage("x")));
		}
	}

	static void wrongKey(World world) {
		String other = world.connection.replace("SAS_KEY_VALUE", "ANOTHER_KEY");
		try (ServiceBusSenderClient sender = new ServiceBusClientBuilder().connectionString(other)
				.sender().topicName(world.topic).buildClient()) {
			failsWith(ServiceBusFailureReason.UNAUTHORIZED,
				() -> sender.sendMessage(new ServiceBusMessage("x")));
		}
	}

	static Map<String, Scenario> scenarios() {
		Map<String, Scenario> all = new LinkedHashMap<>();
		all.put("processorRenewsByItself", Scenarios::processorRenewsByItself);
		all.put("renewBeyondTheFirstLock", Scenarios::renewBeyondTheFirstLock);
		all.put("messagesAroundTheFrameLimit", Scenarios::messagesAroundTheFrameLimit);
		all.put("processorTakesAll", Scenarios::processorTakesAll);
		all.put("lockThatIsLost", Scenarios::lockThatIsLost);
		all.put("schedule", Scenarios::schedule);
		all.put("sendReceiveComplete", Scenarios::sendReceiveComplete);
		all.put("batch", Scenarios::batch);
		all.put("fullBatch", Scenarios::fullBatch);
		all.put("abandonCountsAndEndsAsDeadLetter", Scenarios::abandonCountsAndEndsAsDeadLetter);
		all.put("deadLetter", Scenarios::deadLetter);
		all.put("deferAndReceiveBySequenceNumber", Scenarios::deferAndReceiveBySequenceNumber);
		all.put("largeMessages", Scenarios::largeMessages);
		all.put("messageTooLarge", Scenarios::messageTooLarge);
		all.put("emptyReceive", Scenarios::emptyReceive);
		all.put("receiveAndDelete", Scenarios::receiveAndDelete);
		all.put("peek", Scenarios::peek);
		all.put("unknownEntity", Scenarios::unknownEntity);
		all.put("wrongKey", Scenarios::wrongKey);
		return all;
	}

	/** Goes on with what it had before the broker went away: sender, receiver and processor. */
	static void goesOnAfterTheBrokerRestarted(World world) throws Exception {
		ServiceBusReceiverClient receiver = world.receiver();
		Set<String> processed = ConcurrentHashMap.newKeySet();
		CountDownLatch after = new CountDownLatch(1);
		try (ServiceBusProcessorClient client = processor(world, "red", 1, taken -> {
			processed.add(taken.getMessage().getBody().toString());
			after.countDown();
		}, new ArrayList<>())) {
			client.start();
			world.send("before");
			receiver.complete(one(receiver));
			System.out.println("restart the broker");
			check(System.in.read() > 0, "nobody said that it has been restarted");
			ServiceBusMessage message = new ServiceBusMessage("after").setSubject("paint");
			message.getApplicationProperties().put("color", "red");
			world.sender().sendMessage(message);
			ServiceBusReceivedMessage received = one(receiver);
			want(received.getBody().toString(), "after");
			receiver.renewMessageLock(received);
			receiver.complete(received);
			check(after.await(60, TimeUnit.SECONDS), "the processor did not come back");
			want(processed, Set.of("after"));
		}
	}

	static boolean run(String name, Scenario scenario, String connection, int number) {
		long start = System.nanoTime();
		try (World world = new World(connection, number)) {
			scenario.run(world);
			System.out.printf("ok   %s (%.1f s)%n", name, (System.nanoTime() - start) / 1e9);
			return true;
		} catch (Throwable error) {
			error.printStackTrace(System.out);
			System.out.println("FAIL " + name);
			return false;
		}
	}

	static List<Boolean> runAll(String connection, String only) throws Exception {
		var pool = Executors.newFixedThreadPool(AT_ONCE);
		List<Future<Boolean>> running = new ArrayList<>();
		int number = 0;
		for (var scenario : scenarios().entrySet()) {
			int topic = number++;
			if (only.isEmpty() || only.equals(scenario.getKey())) {
				running.add(pool.submit(
					() -> run(scenario.getKey(), scenario.getValue(), connection, topic)));
			}
		}
		List<Boolean> results = new ArrayList<>();
		for (Future<Boolean> one : running) {
			results.add(one.get());
		}
		pool.shutdown();
		return results;
	}

	public static void main(String[] arguments) throws Exception {
		String connection = arguments[arguments.length - 1];
		List<String> options = Arrays.asList(arguments).subList(0, arguments.length - 1);
		String only = options.stream().filter(option -> option.startsWith("only="))
			.map(option -> option.substring(5)).findFirst().orElse("");
		List<Boolean> results = runAll(connection, only);
		if (options.contains("restart")) {
			results.add(run("goesOnAfterTheBrokerRestarted", Scenarios::goesOnAfterTheBrokerRestarted,
				connection, scenarios().size()));
		}
		long failed = results.stream().filter(isGood -> !isGood).count();
		System.out.printf("%d scenarios, %d failed%n", results.size(), failed);
		System.exit(results.isEmpty() || failed != 0 ? 1 : 0);
	}
}
