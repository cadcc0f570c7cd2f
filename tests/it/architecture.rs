//! docs/ARCHITECTURE.md and the pages beside it against the files: what they name is there, and what is there is on the code map.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/ARCHITECTURE.md");

/// The pages that name files and items, with the least number of names that each has.
const PAGES: [(&str, &str, usize); 6] = [
    ("docs/ARCHITECTURE.md", PAGE, 100),
    ("docs/DECISIONS.md", include_str!("../../docs/DECISIONS.md"), 30),
    ("docs/FORMATS.md", include_str!("../../docs/FORMATS.md"), 10),
    ("docs/RECOVERY.md", include_str!("../../docs/RECOVERY.md"), 100),
    ("docs/RULES.md", include_str!("../../docs/RULES.md"), 5),
    ("CONTRIBUTING.md", include_str!("../../CONTRIBUTING.md"), 30),
];

/// What can be read in one sitting.
const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 200;

/// Where the code is, from the root of the repository.
const CODE: [&str; 7] =
    ["src", "journal/src", "journal/tests", "tools/src", "tools/tests", "benches", "tests"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Everything that the text puts in backticks and that looks like a path of ours.
fn named(text: &str) -> Vec<&str> {
    let in_backticks = text.split('`').skip(1).step_by(2);
    in_backticks.filter(|word| CODE.iter().any(|dir| word.starts_with(&format!("{dir}/")))).collect()
}

/// The page without its fenced blocks, whose fences would be taken for backticks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The part of the page that is the code map.
fn map(page: &str) -> &str {
    let map = page.split("\n## Code map\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    map.expect("there is a code map")
}

/// Whether a source text declares the item, or generates it in a macro.
fn declares(source: &str, item: &str) -> bool {
    let keywords = ["fn", "struct", "enum", "trait", "const", "type"];
    let declarations = keywords.map(|keyword| format!("{keyword} {item}"));
    declarations.iter().any(|declaration| {
        let follows = |at: usize| source[at + declaration.len()..].chars().next();
        source
            .match_indices(declaration.as_str())
            .any(|(at, _)| follows(at).is_none_or(|next| !next.is_alphanumeric() && next != '_'))
    })
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn what_the_pages_name_is_there() {
    let mut missing = Vec::new();
    for (file, page, at_least) in PAGES {
        let page = prose(page);
        let names = named(&page);
        assert!(names.len() >= at_least, "{file}: only {} names were found", names.len());
        for name in names {
            let (path, item) = name.split_once("::").map_or((name, None), |(path, item)| (path, Some(item)));
            let there = match item {
                None => root().join(path).exists(),
                Some(item) => {
                    fs::read_to_string(root().join(path)).is_ok_and(|source| declares(&source, item))
                }
            };
            if !there {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert_eq!(missing, [""; 0], "named and not there");
}

#[test]
fn the_page_is_read_in_one_sitting() {
    let lines = PAGE.lines().count();
    assert!(
        lines <= LINES_MAX,
        "docs/ARCHITECTURE.md has {lines} lines: what is detail belongs to another page"
    );
    let wide: Vec<&str> = PAGE.lines().filter(|line| line.chars().count() > COLUMNS_MAX).collect();
    assert_eq!(wide, [""; 0], "lines of more than {COLUMNS_MAX} columns");
}

/// A row of the map begins with a folder, or with `—` for the folder above it; the files that it names without one are in that folder.
#[test]
fn what_the_map_names_is_there() {
    let names = on_the_map(&prose(PAGE));
    let files = names.iter().filter(|name| [".rs", ".toml", "/"].iter().any(|end| name.ends_with(end)));
    let missing: Vec<&String> = files.clone().filter(|name| !root().join(name).exists()).collect();
    assert!(files.count() > 100, "the files were not found");
    assert_eq!(missing, [""; 0], "on the code map and not there");
}

/// The files and folders that the map names, from the root of the repository.
fn on_the_map(page: &str) -> Vec<String> {
    let mut folder = "";
    let mut names = Vec::new();
    for row in map(page).lines().filter(|line| line.starts_with("| ")) {
        let place = row.trim_start_matches("| ").split(" | ").next().unwrap_or_default();
        folder = place.split('`').skip(1).step_by(2).find(|path| path.ends_with('/')).unwrap_or(folder);
        for name in row.split('`').skip(1).step_by(2) {
            let whole = CODE.iter().any(|dir| name.starts_with(&format!("{dir}/")));
            names.push(if whole { name.to_owned() } else { format!("{folder}{name}") });
        }
    }
    names
}

/// Folders whose files are on the map one by one.
const NAMED_ONE_BY_ONE: [&str; 3] = ["src/domain", "src/exchange", "src/stages"];

#[test]
fn every_source_file_is_on_the_map() {
    let map = on_the_map(&prose(PAGE));
    let mut files = Vec::new();
    CODE.iter().for_each(|dir| rust_files(&root().join(dir), &mut files));
    let relative = |path: &PathBuf| path.strip_prefix(root()).expect("below the root").display().to_string();
    let is_on_the_map = |file: &String| {
        let one_by_one = Path::new(file)
            .parent()
            .is_some_and(|folder| NAMED_ONE_BY_ONE.iter().any(|named| folder == Path::new(named)));
        map.iter()
            .any(|name| name == file || !one_by_one && name.ends_with('/') && file.starts_with(name.as_str()))
    };
    let absent: Vec<String> = files.iter().map(relative).filter(|file| !is_on_the_map(file)).collect();
    assert!(files.len() > 100, "the sources were not found");
    assert_eq!(absent, [""; 0], "add them to the code map of docs/ARCHITECTURE.md");
}

/// What the map does not say of a file, the file says in its first line. (A fuzz target is one call, named by its file.)
#[test]
fn every_source_file_begins_with_what_it_is_for() {
    let mut files = Vec::new();
    CODE.iter().for_each(|dir| rust_files(&root().join(dir), &mut files));
    let begins = |file: &PathBuf| fs::read_to_string(file).expect("a readable file").starts_with("//!");
    files.retain(|file| !begins(file) && !file.starts_with(root().join("tests/fuzz/targets")));
    assert_eq!(files, Vec::<PathBuf>::new(), "say in the first line what the file is for");
}

/// The text of the crate: its diagram and the modules in reading order.
fn crate_text() -> String {
    let source = fs::read_to_string(root().join("src/lib.rs")).expect("the crate is there");
    source.lines().filter(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reading_order_has_every_module() {
    let source = fs::read_to_string(root().join("src/lib.rs")).expect("the crate is there");
    let modules = source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let text = crate_text();
    let absent: Vec<&str> = modules.filter(|module| !text.contains(&format!("`{module}`"))).collect();
    assert!(source.matches("\npub mod ").count() > 10, "the modules were not found");
    assert_eq!(absent, [""; 0], "add them to the reading order of src/lib.rs");
}

#[test]
fn the_diagrams_have_every_stage() {
    let source = fs::read_to_string(root().join("src/stages/mod.rs")).expect("the stages are there");
    let stages = source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    // What lies between stages and is no agent.
    let stages: Vec<String> = stages
        .filter(|stage| !["phases", "resend", "space"].contains(stage))
        .map(|stage| stage.replace('_', " "))
        .collect();
    assert!(stages.len() > 8, "the stages were not found: {stages:?}");
    for (file, text) in [("src/lib.rs", crate_text()), ("docs/ARCHITECTURE.md", PAGE.to_owned())] {
        let diagram = text.split("```").nth(1).expect("a diagram").to_lowercase();
        let absent: Vec<&String> = stages.iter().filter(|stage| !diagram.contains(stage.as_str())).collect();
        assert!(absent.is_empty(), "{file}: not in the diagram: {absent:?}");
    }
}

#[test]
fn an_item_is_found_by_its_whole_name() {
    let source = "pub fn apply_all() {}\nstruct Page<T>(T);\nconst LEN: usize = 1;";
    assert!(declares(source, "Page") && declares(source, "LEN") && declares(source, "apply_all"));
    assert!(!declares(source, "apply") && !declares(source, "Pag") && !declares(source, "source"));
}
