//! The command line of a bench of several parts, which benches share.

/// Runs the parts that are asked for by name, or all of them; without `--bench`, as under `cargo test`, what is small.
pub fn run(parts: &[(&str, fn())], small: fn()) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return small();
    }
    let asked = || arguments.iter().filter(|argument| !argument.starts_with('-'));
    if let Some(unknown) = asked().find(|argument| parts.iter().all(|(name, _)| name != argument)) {
        eprintln!("there is no part {unknown}");
        std::process::exit(2);
    }
    for (name, part) in parts {
        if asked().next().is_none() || asked().any(|argument| argument == name) {
            println!("--- {name}");
            part();
        }
    }
}
