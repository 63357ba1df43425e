//! What `link_libtorch.rs` is for. Whether there is a GPU does not matter here.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

/// The linker drops `libtorch_cuda`, and with it every GPU, unless it is told not to. (tch's `has_cuda` would be false without
/// a GPU, whatever is linked.)
#[test]
fn cuda_is_linked_where_libtorch_has_it() {
    let has_cuda = Path::new(env!("LIBTORCH_LIB")).join("libtorch_cuda.so").exists();
    assert_eq!(tch::utils::has_cudart(), has_cuda);
}

/// No variable leads the loader to libtorch: that is the run-time path's work.
#[test]
fn the_libtorch_that_was_built_against_is_the_one_that_runs() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let running = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so")).unwrap();
    let running = &running[running.find('/').unwrap()..];
    let built = Path::new(env!("LIBTORCH_LIB")).join("libtorch_cpu.so");
    assert_eq!(Path::new(running), fs::canonicalize(built).unwrap());
}
