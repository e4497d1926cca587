// SPDX-License-Identifier: BSD-3-Clause

// Goroutines on several threads, preemption signals, files and pipes.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	runtime.GOMAXPROCS(4)
	var group sync.WaitGroup
	sums := make([]int, 8)
	for i := range sums {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for k := 0; k < 3000000; k++ {
				sums[i] += k % (i + 2)
			}
			time.Sleep(5 * time.Millisecond)
		}(i)
	}
	group.Wait()
	runtime.GC()
	r, w, _ := os.Pipe()
	go func() { fmt.Fprint(w, "through a pipe"); w.Close() }()
	buffer := make([]byte, 100)
	n, _ := r.Read(buffer)
	_, err := os.Stat("/nonexistent")
	fmt.Println(sums, string(buffer[:n]), err)
}
