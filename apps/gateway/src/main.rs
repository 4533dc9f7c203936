//! `ops-center`: see `ops-center --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ops_center::cli::main()
}
