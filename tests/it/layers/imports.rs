//! Which file imports which, read from the source text: `use` and paths in code, by `crate::`, `super::` and names of child
//! modules, through what is handed on (`pub use`).

use std::collections::{BTreeMap, BTreeSet};

/// A crate's files by their module paths (`["exchange", "book", "levels"]`; the root is `[]`), with what they import.
#[derive(Debug, Default)]
pub struct Imports {
    modules: BTreeMap<Vec<String>, Module>,
}

/// Whether what only tests compile is read, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    Read,
    LeftOut,
}

/// One file.
#[derive(Debug, Default)]
struct Module {
    path: String,
    code: String,
    /// Names that a `use` brings in, with the absolute paths that they stand for.
    names: BTreeMap<String, Vec<String>>,
    /// Of these, the ones that are handed on (`pub use`).
    handed_on: BTreeSet<String>,
    /// Absolute paths that the code says, without what it only hands on.
    said: BTreeSet<Vec<String>>,
}

impl Imports {
    /// Those of the files below `root`, which are given as paths and texts.
    pub fn of(root: &str, files: &[(String, String)], tests: Tests) -> Self {
        let mut modules = BTreeMap::new();
        let hidden = if tests == Tests::LeftOut { test_files(files) } else { BTreeSet::new() };
        for (path, text) in files {
            let Some(inner) = path.strip_prefix(root) else { continue };
            if hidden.contains(path) || inner == "main.rs" {
                continue;
            }
            let code = without_reach(&without_text(text));
            let code = if tests == Tests::LeftOut { without_tests(&code) } else { flat(&code) };
            modules.insert(module_path(inner), Module { path: path.clone(), code, ..Module::default() });
        }
        let known: BTreeSet<Vec<String>> = modules.keys().cloned().collect();
        for (at, module) in &mut modules {
            read(module, at, &known);
        }
        Self { modules }
    }

    /// Every file with the absolute paths that it says or hands on, from the root of its crate; a path into another crate of
    /// this repository begins with that crate's name.
    pub fn paths(&self) -> impl Iterator<Item = (&str, BTreeSet<Vec<String>>)> {
        self.modules.values().map(|module| {
            let handed_on = module.handed_on.iter().map(|name| module.names[name].clone());
            let words = paths(&module.code).into_iter();
            let others = words.filter(|path| path[0].starts_with("dojima_"));
            (module.path.as_str(), module.said.iter().cloned().chain(handed_on).chain(others).collect())
        })
    }

    /// The file that defines what an absolute path names.
    fn definition(&self, path: &[String]) -> Option<&Vec<String>> {
        let mut path = path.to_vec();
        let mut seen = BTreeSet::new();
        loop {
            let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
            let (at, module) = self.modules.get_key_value(&path[..depth])?;
            let target = path.get(depth).and_then(|name| module.names.get(name));
            // A name can be that of a module, and then leads no further.
            let Some(target) = target.filter(|_| seen.insert(path.clone())) else { return Some(at) };
            path = target.iter().chain(&path[depth + 1..]).cloned().collect();
        }
    }

    /// Every file with the files that it needs: those where what it names is defined, and those where functions of its types
    /// are that it calls. What a file hands on it does not need, unless it also names it.
    pub fn needs(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (at, module) in &self.modules {
            let own = needs.entry(&module.path).or_default();
            let defined = module.said.iter().filter_map(|path| self.definition(path));
            own.extend(defined.filter(|used| *used != at).map(|used| self.modules[used].path.as_str()));
        }
        for (at, module) in &self.modules {
            for (name, functions) in inherent_impls(&module.code) {
                let path = match module.names.get(&name) {
                    Some(path) => path.clone(),
                    None => at.iter().cloned().chain([name.clone()]).collect(),
                };
                let Some(owner) = self.definition(&path).filter(|owner| *owner != at) else { continue };
                let owner = &self.modules[owner];
                if functions.iter().any(|function| calls(&owner.code, &name, function)) {
                    needs.entry(&owner.path).or_default().insert(&module.path);
                }
            }
        }
        needs
    }
}

/// The circles: groups of files each of which uses, in the end, all others of its group.
pub fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for used in edges.get(file).into_iter().flatten() {
                if seen.insert(*used) {
                    next.push(used);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, used) in &reached {
        let circle: Vec<&str> = used.iter().copied().filter(|other| reached[other].contains(file)).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// `stages/gateway/mod.rs` and `stages/gateway.rs` are `["stages", "gateway"]`.
fn module_path(inner: &str) -> Vec<String> {
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut path: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

/// Files that only tests compile: `#[cfg(test)] mod name;`, and what lies below them.
fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
    let mut hidden = BTreeSet::new();
    for (path, text) in files {
        let folder = path
            .strip_suffix("mod.rs")
            .or(path.strip_suffix("lib.rs"))
            .map_or_else(|| format!("{}/", path.strip_suffix(".rs").unwrap_or(path)), str::to_owned);
        let mut rest = text.as_str();
        while let Some((_, after)) = at_test_mark(rest) {
            rest = after.trim_start();
            let line = rest.lines().find(|line| !line.starts_with("#[")).unwrap_or_default();
            let name = line
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ")
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'));
            if let Some(name) = name {
                let stem = format!("{folder}{name}");
                hidden.extend(files.iter().map(|(path, _)| path.clone()).filter(|path| {
                    path.strip_prefix(&stem).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
                }));
            }
        }
    }
    hidden
}

/// The code without comments and without what stands in strings.
fn without_text(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[hashes + 2..];
            rest = body.find(&end).map_or("", |at| &body[at + end.len()..]);
        } else if c == '"' {
            let (mut escaped, mut end) = (false, rest.len());
            for (at, c) in rest.char_indices().skip(1) {
                match (escaped, c) {
                    (false, '"') => {
                        end = at + 1;
                        break;
                    }
                    (false, '\\') => escaped = true,
                    _ => escaped = false,
                }
            }
            rest = &rest[end..];
        } else if rest.starts_with("'\"'")
            || rest.starts_with("'{'")
            || rest.starts_with("'}'")
            || rest.starts_with("';'")
        {
            rest = &rest[3..];
        } else if rest.starts_with("b'\"'") {
            rest = &rest[4..];
        } else if rest.starts_with("'\\") {
            let body = &rest[2..];
            rest = body[1..].find('\'').map_or("", |at| &body[at + 2..]);
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}

fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// What stands before and after the next `#[cfg(test)]`, or one that asks for more than tests, such as
/// `#[cfg(all(test, not(dojima_loom)))]`.
fn at_test_mark(code: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + code[from..].find("#[cfg(")?;
        let end = at + code[at..].find(")]")? + 2;
        let mut words = code[at..end].split(|c: char| !is_word(c));
        if words.any(|word| word == "test") && !code[at..end].contains("not(test)") {
            return Some((&code[..at], &code[end..]));
        }
        from = end;
    }
}

/// The code without what only tests compile.
fn without_tests(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some((before, after)) = at_test_mark(rest) {
        kept.push_str(before);
        rest = after_item(after);
    }
    kept + rest
}

/// The code with the paths in modules that have no file of their own as they would be outside of those.
fn flat(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some(at) = rest.find("\nmod ") {
        let (before, module) = rest.split_at(at + 1);
        kept.push_str(before);
        rest = after_item(module);
        let module = &module[..module.len() - rest.len()];
        // The second `replace` is for what is further up.
        kept.push_str(&module.replace("super::", "self::").replace("self::self::", "super::"));
    }
    kept + rest
}

/// The code with `pub` for `pub(in …)`, whose path is no use of what it names.
fn without_reach(code: &str) -> String {
    let mut parts = code.split("pub(in ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + "pub" + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// What follows the item at the beginning: after its `;`, or after its `{…}`.
fn after_item(code: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return &code[at + 1..],
            '}' => depth -= 1,
            ';' if depth == 0 => return &code[at + 1..],
            _ => {}
        }
    }
    ""
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Fills in what the module's code says, being at `at` among `known` modules.
fn read(module: &mut Module, at: &[String], known: &BTreeSet<Vec<String>>) {
    let mut others = String::new();
    let mut rest = module.code.as_str();
    let mut uses = Vec::new();
    while let Some(found) = next_use(rest) {
        let (before, public, tree, after) = found;
        others.push_str(before);
        uses.push((public, tree.to_owned()));
        rest = after;
    }
    others.push_str(rest);
    let absolute = |path: &[String]| absolute(path, at, known);
    for (public, tree) in uses {
        for (path, name) in leaves(&tree) {
            let Some(path) = absolute(&path) else { continue };
            if public {
                module.handed_on.insert(name.clone());
            } else {
                module.said.insert(path.clone());
            }
            module.names.insert(name, path);
        }
    }
    for path in paths(&others) {
        module.said.extend(absolute(&path));
    }
    // What is handed on and used as well is used.
    for name in &module.handed_on {
        if others.split(|c: char| !is_word(c)).any(|word| word == name) {
            module.said.insert(module.names[name].clone());
        }
    }
}

/// Code before the next `use`, whether it is handed on, its tree, and the code after it.
fn next_use(code: &str) -> Option<(&str, bool, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + code[from..].find("use ")?;
        from = at + 4;
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let head = code[line..at].trim();
        if !(head.is_empty() || (head.starts_with("pub") && !head.contains(' '))) {
            continue;
        }
        let end = at + code[at..].find(';')?;
        return Some((&code[..line], head.starts_with("pub"), &code[at + 4..end], &code[end + 1..]));
    }
}

/// The paths of a `use` tree, with the names that they get.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let (head, group) = match tree.find('{') {
        Some(at) => (&tree[..at], Some(tree[at + 1..].trim_end().strip_suffix('}').unwrap_or_default())),
        None => (tree, None),
    };
    let (head, alias) =
        head.split_once(" as ").map_or((head, None), |(head, alias)| (head, Some(alias.trim())));
    let mut prefix: Vec<String> =
        head.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let Some(group) = group else {
        if prefix.len() > 1 && prefix.last().is_some_and(|last| last == "self") {
            prefix.pop();
        }
        let name = alias.map(str::to_owned).or_else(|| prefix.last().cloned()).unwrap_or_default();
        return vec![(prefix, name)];
    };
    let mut all = Vec::new();
    for entry in entries(group) {
        for (path, name) in leaves(entry) {
            if path == ["self"] {
                let own = prefix.last().cloned().unwrap_or_default();
                all.push((prefix.clone(), if name == "self" { own } else { name }));
            } else {
                all.push((prefix.iter().cloned().chain(path).collect(), name));
            }
        }
    }
    all
}

/// The entries of a group, without the braces around it.
fn entries(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut all) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(&group[from..]);
    all.into_iter().filter(|entry| !entry.trim().is_empty()).collect()
}

/// All `a::b::c` of code that has no `use`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let bytes = code.as_bytes();
    let mut from = 0;
    while let Some(at) = code[from..].find("::").map(|at| from + at) {
        let start = code[..at].rfind(|c: char| !is_word(c)).map_or(0, |at| at + 1);
        let mut end = at;
        while code[end..].starts_with("::") && code[end + 2..].starts_with(is_word) {
            end += 2;
            end += code[end..].find(|c: char| !is_word(c)).unwrap_or(code.len() - end);
        }
        from = end.max(at + 2);
        let of_path = start >= 1 && (bytes[start - 1] == b':' || bytes[start - 1] == b'$');
        if start < at && !of_path {
            all.push(code[start..end].split("::").map(str::to_owned).collect());
        }
    }
    all
}

/// The path from the root of the crate; `None` when it begins outside of it, or is an item's own.
fn absolute(path: &[String], at: &[String], known: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut base = at.to_vec();
    let mut parts = path.iter().peekable();
    match parts.peek().map(|part| part.as_str())? {
        "crate" => {
            base.clear();
            parts.next();
        }
        "self" => {
            parts.next();
        }
        "super" => {
            while parts.next_if(|part| *part == "super").is_some() {
                base.pop()?;
            }
        }
        child => {
            base.push(child.to_owned());
            if !known.contains(&base) {
                return None;
            }
            base.pop();
        }
    }
    Some(base.into_iter().chain(parts.cloned()).collect())
}

/// The types that `impl Type` blocks without a trait are for, with the functions of the block.
fn inherent_impls(code: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("\nimpl") {
        let block = &rest[at + "\nimpl".len()..];
        rest = after_item(block);
        let block = &block[..block.len() - rest.len()];
        let head = block.split('{').next().unwrap_or_default();
        if head.contains(" for ") || !head.starts_with([' ', '<']) {
            continue;
        }
        let name = identifier(after_generics(head).trim_start());
        let functions = block.match_indices("fn ").map(|(at, _)| identifier(&block[at + 3..])).collect();
        all.push((name, functions));
    }
    all
}

/// What follows `<…>` at the beginning, if there is any.
fn after_generics(head: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in head.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if at == 0 { head } else { &head[at + 1..] };
        }
    }
    ""
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

/// Whether there is a call of this function of a type; methods are told by their names alone.
fn calls(code: &str, name: &str, function: &str) -> bool {
    code.contains(&format!(".{function}("))
        || ["Self", name].iter().any(|name| {
            code.match_indices(&format!("{name}::{function}")).any(|(at, call)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(is_word) && !code[at + call.len()..].starts_with(is_word)
            })
        })
}

/// The needs of a crate of these files.
fn needs_of(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let files: Vec<_> =
        files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned())).collect();
    let imports = Imports::of("src/", &files, Tests::LeftOut);
    let needs = imports.needs();
    needs.iter().flat_map(|(file, used)| used.iter().map(|used| (short(file), short(used)))).collect()
}

fn short(path: &str) -> String {
    path.trim_start_matches("src/").trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_are_read_however_they_are_written() {
    for (text, used) in [
        ("use crate::one::A;", "one"),
        ("use super::super::one::{self, A};", "one"),
        ("use super::{beside::B, inner::C};", "room/beside"),
        ("pub use super::beside::B;\nfn f(_: B) {}", "room/beside"),
        ("fn f() -> super::beside::B { todo!() }", "room/beside"),
        ("use super::Handed;", "one"),
        ("use super::{\n    Own, // with words\n};", "room/mod"),
    ] {
        let files = [
            ("lib.rs", "mod one;\nmod room;"),
            ("one.rs", "pub struct A;"),
            ("room/mod.rs", "mod beside;\nmod it;\npub use crate::one::A as Handed;\npub struct Own;"),
            ("room/beside.rs", "pub struct B;"),
            ("room/it.rs", text),
        ];
        let needs = needs_of(&files);
        assert!(needs.contains(&("room/it".to_owned(), used.to_owned())), "{text}: {needs:?}");
    }
}

#[test]
fn paths_of_tests_are_those_of_their_file() {
    let text = "mod tests {\n    use super::super::beside::B;\n    use super::*;\n    use crate::one;\n}";
    let files = [("src/room/it.rs".to_owned(), format!("fn f() {{}}\n{text}"))];
    let imports = Imports::of("src/", &files, Tests::Read);
    let (_, paths) = imports.paths().next().expect("a file");
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["one", "room::beside::B", "room::it::*"]);
}

#[test]
fn what_is_no_import_is_not_read_as_one() {
    for text in [
        "pub use super::beside::B;",
        "// use super::beside::B;",
        "const WORDS: &str = \"super::beside::B\";",
        "const WORDS: &str = r#\"use super::beside::B;\"#;",
        "#[cfg(test)]\nmod tests {\n    use super::super::beside::B;\n}",
        "pub(in super::beside) struct C;",
        "use std::fmt;\nfn f() -> fmt::Result { Ok(()) }",
    ] {
        let files = [
            ("lib.rs", "mod room;"),
            ("room/mod.rs", "mod beside;\nmod it;"),
            ("room/beside.rs", "pub struct B;"),
            ("room/it.rs", text),
        ];
        assert_eq!(needs_of(&files), [], "{text}");
    }
}

#[test]
fn a_type_whose_functions_are_elsewhere_needs_those_that_it_calls() {
    let child = "use super::Gate;\nimpl Gate {\n    pub fn receive(&mut self) {}\n}";
    for (parent, both_ways) in [
        ("mod child;\npub struct Gate;\nimpl Gate {\n    fn work(&mut self) { self.receive() }\n}", true),
        ("mod child;\npub struct Gate;\n", false),
    ] {
        let needs = needs_of(&[("lib.rs", "mod gate;"), ("gate/mod.rs", parent), ("gate/child.rs", child)]);
        let back = ("gate/mod".to_owned(), "gate/child".to_owned());
        assert_eq!(needs.contains(&back), both_ways, "{parent}: {needs:?}");
        assert!(needs.contains(&("gate/child".to_owned(), "gate/mod".to_owned())), "{needs:?}");
    }
}

#[test]
fn circles_are_found_and_chains_are_none() {
    let edges = |pairs: &[(&'static str, &'static str)]| {
        let mut edges = BTreeMap::<&str, BTreeSet<&str>>::new();
        for (from, to) in pairs {
            edges.entry(from).or_default().insert(to);
            edges.entry(to).or_default();
        }
        edges
    };
    assert_eq!(circles(&edges(&[("a", "b"), ("b", "c"), ("a", "c")])), [[""; 0]; 0]);
    let found = circles(&edges(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "f"), ("f", "e")]));
    assert_eq!(found, [vec!["a", "b", "c"], vec!["e", "f"]]);
}
