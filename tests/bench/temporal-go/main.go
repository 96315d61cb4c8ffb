// SPDX-License-Identifier: MIT

// Test-only: `worker ADDRESS QUEUE URL` is the Go worker of the benchmark; `drive ADDRESS QUEUE`
// starts workflows, is the invoker whose activities do nothing but signal the RESULT, and counts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
)

const lastStep = "embedding"

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

func activityName(name string) activity.RegisterOptions {
	return activity.RegisterOptions{Name: name}
}

func answerOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}`))
}

// The invoker: takes leases, and answers a directive with its RESULT right after the publish.
func serve(c client.Client) (string, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/internal/steps/attempt", func(w http.ResponseWriter, _ *http.Request) { answerOK(w) })
	mux.HandleFunc("/v1/internal/publish", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Directive object }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answerOK(w)
		told := object{"status": "SUCCEEDED"}
		for _, name := range []string{"stepId", "attempt_no", "lease_id"} {
			told[name] = body.Directive[name]
		}
		if told["stepId"] == lastStep {
			told["job_state"] = "SUCCEEDED" // the ledger has closed the job with it
		}
		go func() {
			time.Sleep(20 * time.Millisecond) // the platform's work: the wait has begun
			_ = c.SignalWorkflow(context.Background(), body.Directive["jobId"].(string), "", "step_result", told)
		}()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, mux) }()
	return "http://" + listener.Addr().String(), nil
}

func step(id string) object {
	return object{"step_id": id, "step_type": strings.ToUpper(id), "service": "platform-" + id,
		"payload": object{"model": "m"}, "input_ref": "in", "workspace_ref": nil, "output_ref": "out"}
}

func input(id string) object {
	return object{"job_id": id, "tenant_id": "t1", "protocol_id": "ocr-embedding.v1", "lane": 7,
		"routing_key_used": "t1", "mode": "DEFAULT", "correlation_id": nil,
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"options": object{"definition": 1, "max_attempts": 3, "step_result_timeout_seconds": 900,
			"lease_seconds": 900, "retry_initial_seconds": 1, "retry_max_seconds": 60,
			"execution_timeout_seconds": 3600},
		"steps": []object{step("ocr"), step(lastStep)}}
}

func runOne(c client.Client, queue, id string) error {
	options := client.StartWorkflowOptions{ID: id, TaskQueue: queue, WorkflowExecutionTimeout: time.Hour}
	run, err := c.ExecuteWorkflow(context.Background(), options, "LuciusWorkflow", input(id))
	if err != nil {
		return err
	}
	return run.Get(context.Background(), nil)
}

// So many workflows, so many at once; the time that it took.
func round(c client.Client, queue, prefix string, n, atOnce int) (time.Duration, error) {
	var group sync.WaitGroup
	failures := make(chan error, n)
	numbers := make(chan int)
	begun := time.Now()
	for i := 0; i < atOnce; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range numbers {
				if err := runOne(c, queue, fmt.Sprintf("%s%08d", prefix, number)); err != nil {
					failures <- err
				}
			}
		}()
	}
	for i := 0; i < n; i++ {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return time.Since(begun), nil
	}
}

// Prints its URL; then for each line `PREFIX N AT-ONCE` of standard input the seconds that took.
func drive(address, queue string) error {
	c, err := client.Dial(client.Options{HostPort: address, Logger: quiet{}})
	if err != nil {
		return err
	}
	defer c.Close()
	url, err := serve(c)
	if err != nil {
		return err
	}
	fmt.Println(url)
	for {
		var prefix, n, atOnce string
		if _, err := fmt.Scan(&prefix, &n, &atOnce); err != nil {
			return nil
		}
		number, _ := strconv.Atoi(n)
		parallel, _ := strconv.Atoi(atOnce)
		took, err := round(c, queue, prefix, number, parallel)
		if err != nil {
			return err
		}
		fmt.Println(took.Seconds())
	}
}

func main() {
	var err error
	switch {
	case len(os.Args) == 5 && os.Args[1] == "worker":
		err = runWorker(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 4 && os.Args[1] == "drive":
		err = drive(os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("usage: bench worker ADDRESS QUEUE URL | drive ADDRESS QUEUE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
