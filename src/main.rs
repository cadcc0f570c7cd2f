//! The `dojima` program; everything is in [`dojima::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    dojima::cli::main()
}
