// SPDX-License-Identifier: MIT

// The workflow of two steps as a worker on Temporal's Go SDK does it, for the benchmark only: the
// same activities over HTTP, the same timer, the same signals as ours.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

type object = map[string]any

type invoker struct{ url string }

func (i *invoker) post(path string, body object) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	reply, err := http.Post(i.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, reply.Status)
	}
	return nil
}

func (i *invoker) RecordAttemptLease(_ context.Context, lease object) error {
	return i.post("/v1/internal/steps/attempt", lease)
}

func (i *invoker) PublishToBus(_ context.Context, publication object) error {
	return i.post("/v1/internal/publish", publication)
}

// One attempt of a step: lease, publish, then the RESULT or the time.
func attempt(ctx workflow.Context, job, step object) error {
	// The same at each replay, without a marker in the history.
	leaseID := workflow.GetInfo(ctx).WorkflowExecution.RunID + "-" + step["step_id"].(string)
	lease := object{"jobId": job["job_id"], "stepId": step["step_id"], "tenant_id": job["tenant_id"],
		"attempt_no": 1, "lease_id": leaseID, "lease_expires_at": workflow.Now(ctx).Add(15 * time.Minute)}
	if err := workflow.ExecuteActivity(ctx, "record_attempt_lease", lease).Get(ctx, nil); err != nil {
		return err
	}
	directive := object{"type": "DIRECTIVE"}
	for _, from := range []object{step, job, lease} {
		for name, value := range from {
			if name != "steps" && name != "options" {
				directive[name] = value
			}
		}
	}
	publication := object{"lane": job["lane"], "directive": directive}
	if err := workflow.ExecuteActivity(ctx, "publish_to_bus", publication).Get(ctx, nil); err != nil {
		return err
	}
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimer(timed, 15*time.Minute)
	results := workflow.GetSignalChannel(ctx, "step_result")
	for {
		var reply object
		isLate := false
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(results, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &reply) })
		selector.AddFuture(timer, func(workflow.Future) { isLate = true })
		selector.Select(ctx)
		if isLate {
			return temporal.NewApplicationError("no result", "STEP_TIMEOUT")
		}
		if reply["lease_id"] == leaseID {
			return nil
		}
	}
}

func luciusWorkflow(ctx workflow.Context, job object) (object, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Second})
	for _, step := range job["steps"].([]any) {
		if err := attempt(ctx, job, step.(object)); err != nil {
			return nil, err
		}
	}
	return object{"status": "SUCCEEDED"}, nil
}

func runWorker(address, queue, url string) error {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 100
	c, err := client.Dial(client.Options{HostPort: address, Logger: quiet{}})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, queue, worker.Options{})
	i := &invoker{url}
	w.RegisterWorkflowWithOptions(luciusWorkflow, workflow.RegisterOptions{Name: "LuciusWorkflow"})
	w.RegisterActivityWithOptions(i.RecordAttemptLease, activityName("record_attempt_lease"))
	w.RegisterActivityWithOptions(i.PublishToBus, activityName("publish_to_bus"))
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	fmt.Println("ready")
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGTERM, os.Interrupt)
	<-over
	return nil
}
