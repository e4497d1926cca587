// SPDX-License-Identifier: BSD-3-Clause
package main

import (
	"fmt"
	"sync"
)

func main() {
	var wait sync.WaitGroup
	numbers := make(chan int, 100)
	for i := 0; i < 100; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			numbers <- i
		}(i)
	}
	wait.Wait()
	close(numbers)
	sum := 0
	for n := range numbers {
		sum += n
	}
	fmt.Printf("Hello from Go, %d\n", sum)
}
