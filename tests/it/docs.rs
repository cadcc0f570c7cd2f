//! The pages of the documentation against one another: a link leads to a file and a heading that are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The pages that people read, from the root of the repository.
const PAGES: [&str; 14] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/ARCHITECTURE.md",
    "docs/DECISIONS.md",
    "docs/FORMATS.md",
    "docs/FUTURES.md",
    "docs/OPERATIONS.md",
    "docs/PERFORMANCE.md",
    "docs/PROTOCOL.md",
    "docs/RECOVERY.md",
    "docs/RULES.md",
    "docs/SQL.md",
    "journal/README.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Without the fenced blocks, in which nothing is a link or a heading.
    let (mut fenced, mut prose) = (false, String::new());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.extend([line, "\n"]);
        }
    }
    prose
}

/// The targets of the links of a page.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a page; of equal headings each after the first has a number.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, u32>::new();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let anchor = anchor(line.trim_start_matches('#'));
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    });
    anchors.collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut count, mut broken) = (0, Vec::new());
    for page in PAGES {
        let file = root().join(page);
        let page_text = text(&file);
        for link in links(&page_text).filter(|link| !link.starts_with("http")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name(path) };
            let there = target.exists()
                && (heading.is_empty() || anchors(&text(&target)).iter().any(|a| a == heading));
            if !there {
                broken.push(format!("{page}: {link}"));
            }
            count += 1;
        }
    }
    assert!(count > 100, "the links were not found");
    assert_eq!(broken, [""; 0], "links that lead nowhere");
}

#[test]
fn every_page_is_looked_at() {
    let mut pages: Vec<String> = fs::read_dir(root().join("docs"))
        .expect("there is a folder of pages")
        .map(|entry| format!("docs/{}", entry.expect("a readable entry").file_name().display()))
        .collect();
    pages.retain(|page| !PAGES.contains(&page.as_str()));
    assert_eq!(pages, [""; 0], "add them to the pages whose links are followed");
}
