//! The build script of every crate that links tch: lets the binaries find libtorch when they run.
//!
//! torch-sys tells where libtorch's libraries lie (`DEP_TCH_LIBTORCH_LIB`, which reaches only crates
//! that depend on it directly). The flags go to this package's binaries, tests, examples and doctests. They are not in
//! `rustflags`, because a `RUSTFLAGS` in the reader's environment erases those without a word.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../link_libtorch.rs");
    // On Windows torch-sys says nothing and there is no rpath: the DLLs are found through PATH.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    // For the toolkit's test of all this.
    println!("cargo::rustc-env=LIBTORCH_LIB={lib}");

    // -Xlinker, since -Wl would cut a path at its commas.
    for arg in ["-rpath", &lib] {
        println!("cargo::rustc-link-arg=-Xlinker");
        println!("cargo::rustc-link-arg={arg}");
    }

    // No symbol of libtorch_cuda is called by name, so the linker would drop it, and with it CUDA
    // (tch-rs issues 907 and 980).
    if Path::new(&lib).join("libtorch_cuda.so").exists() {
        for arg in ["-Wl,--push-state,--no-as-needed", "-ltorch_cuda", "-Wl,--pop-state"] {
            println!("cargo::rustc-link-arg={arg}");
        }
    }
}
