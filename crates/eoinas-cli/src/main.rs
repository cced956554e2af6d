//! The program `eoinas`.

fn main() -> std::process::ExitCode {
    eoinas_cli::program()
}
