//! docs/ARCHITECTURE.md against the files: what it names is there, and what is there is on its map.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/ARCHITECTURE.md");

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
fn what_the_page_names_is_there() {
    let page = prose(PAGE);
    let mut missing = Vec::new();
    let names = named(&page);
    assert!(names.len() > 100, "the names were not found");
    for name in names {
        let (path, item) = name.split_once("::").map_or((name, None), |(path, item)| (path, Some(item)));
        let there = match item {
            None => root().join(path).exists(),
            Some(item) => fs::read_to_string(root().join(path)).is_ok_and(|source| declares(&source, item)),
        };
        if !there {
            missing.push(name);
        }
    }
    assert_eq!(missing, [""; 0], "named in docs/ARCHITECTURE.md");
}

#[test]
fn every_source_file_is_on_the_map() {
    let page = prose(PAGE);
    let map = page.split("\n## Code map\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let map = named(map.expect("there is a code map"));
    let mut files = Vec::new();
    CODE.iter().for_each(|dir| rust_files(&root().join(dir), &mut files));
    let relative = |path: &PathBuf| path.strip_prefix(root()).expect("below the root").display().to_string();
    let on_map =
        |file: &str| map.iter().any(|name| *name == file || name.ends_with('/') && file.starts_with(name));
    let absent: Vec<String> = files.iter().map(relative).filter(|file| !on_map(file)).collect();
    assert!(files.len() > 100, "the sources were not found");
    assert_eq!(absent, [""; 0], "add them to the code map of docs/ARCHITECTURE.md");
}

#[test]
fn an_item_is_found_by_its_whole_name() {
    let source = "pub fn apply_all() {}\nstruct Page<T>(T);\nconst LEN: usize = 1;";
    assert!(declares(source, "Page") && declares(source, "LEN") && declares(source, "apply_all"));
    assert!(!declares(source, "apply") && !declares(source, "Pag") && !declares(source, "source"));
}
