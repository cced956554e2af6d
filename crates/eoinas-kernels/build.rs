//! Makes the GPU's kernels: PTX with nvcc for the feature `cuda`, and a library that runs them on the CPU with a C++
//! compiler for the feature `emulation`. Without these features there is nothing to do.

fn main() {
    println!("cargo::rerun-if-changed=src/gpu/kernels");
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cuda")]
    ptx();
    #[cfg(feature = "emulation")]
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .flag_if_supported("-Wno-unknown-pragmas")
        // A checked `longjmp` refuses to go to another stack.
        .flag_if_supported("-U_FORTIFY_SOURCE")
        .file("src/gpu/kernels/emulated.cpp")
        .compile("eoinas_emulated");
}

/// Compiles `kernels.cu` for every GPU since Turing; the driver makes machine code of it when a program starts.
#[cfg(feature = "cuda")]
fn ptx() {
    use std::{env, path::PathBuf, process::Command};

    println!("cargo::rerun-if-env-changed=NVCC");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let toolkit = || path("CUDA_HOME").or_else(|| path("CUDA_PATH")).map(|home| home.join("bin/nvcc"));
    let nvcc = path("NVCC").or_else(toolkit).unwrap_or_else(|| PathBuf::from("nvcc"));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let status = Command::new(&nvcc)
        .args(["--ptx", "-arch=compute_75", "-O3", "--std=c++17", "-o"])
        .arg(out.join("kernels.ptx"))
        .arg("src/gpu/kernels/kernels.cu")
        .status();
    let reason = match status {
        Ok(status) if status.success() => return,
        Ok(status) => format!("ended with {status}"),
        Err(error) => format!("could not be started: {error}"),
    };
    println!(
        "cargo::error=the feature `cuda` needs nvcc of the CUDA toolkit; `{}` {reason}. Set CUDA_HOME or NVCC, or build \
         without the feature",
        nvcc.display()
    );
    std::process::exit(1);
}
