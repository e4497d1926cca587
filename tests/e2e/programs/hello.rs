// SPDX-License-Identifier: BSD-3-Clause
use std::thread;

fn main() {
    let threads: Vec<_> = (0..10u32).map(|i| thread::spawn(move || (i * 10..i * 10 + 10).sum::<u32>())).collect();
    let sum: u32 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    println!("Hello from Rust, {}", sum);
}
