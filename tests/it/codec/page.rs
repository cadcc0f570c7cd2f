//! The byte tables of docs/FORMATS.md as a decoder: what the page says of the bytes, without any help from the
//! code that wrote them.

use std::collections::BTreeMap;
use std::ops::Range;

const TEXT: &str = include_str!("../../../docs/FORMATS.md");

/// One row of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// From the start of the record, with everything optional present.
    pub offset: usize,
    pub bytes: usize,
    pub field: String,
    pub kind: String,
    /// The field is there only if each of these other fields has that variant.
    pub only_if: Vec<(String, String)>,
}

/// Fields in their order, each with its value as text.
pub type Fields = Vec<(String, String)>;

/// All tables.
pub struct Page {
    /// By heading, such as `command Enter`.
    layouts: BTreeMap<String, Vec<Row>>,
    /// Variants by enum; the index is the discriminant. One without a name is a number that nothing has yet.
    enums: BTreeMap<String, Vec<String>>,
}

impl Page {
    /// Reads the page.
    pub fn read() -> Self {
        let (mut layouts, mut enums) = (BTreeMap::new(), BTreeMap::new());
        for section in TEXT.split("\n#### ").skip(1) {
            let section = section.split("\n## ").next().unwrap_or_default();
            let (heading, body) = section.split_once('\n').expect("a heading is a line");
            let what = heading.split(' ').next().unwrap_or_default();
            let names = heading.split('`').skip(1).step_by(2);
            // The first two lines of a table are its head and a rule.
            let table: Vec<Vec<&str>> =
                body.lines().filter(|l| l.starts_with('|')).skip(2).map(cells).collect();
            for name in names {
                if what == "enum" {
                    enums.insert(name.to_owned(), variants(name, &table));
                } else {
                    layouts.insert(format!("{what} {name}"), table.iter().map(|cells| row(cells)).collect());
                }
            }
        }
        let page = Self { layouts, enums };
        assert!(page.layouts.len() > 25 && page.enums.len() >= 9, "the byte tables were not found");
        page
    }

    /// The variants of an enum, in the order of their discriminants; one without a name is a number that nothing has yet.
    pub fn variants(&self, name: &str) -> &[String] {
        self.enums.get(name).unwrap_or_else(|| panic!("the page has no enum {name}"))
    }

    /// The variants of an enum that there are, in the order of their discriminants.
    pub fn named(&self, name: &str) -> Vec<&String> {
        self.variants(name).iter().filter(|variant| !variant.is_empty()).collect()
    }

    /// Whether the page has an enum of this name.
    pub fn is_enum(&self, name: &str) -> bool {
        self.enums.contains_key(name)
    }

    fn is_variant(&self, name: &str) -> bool {
        self.enums.values().flatten().any(|variant| variant == name)
    }

    fn rows(&self, heading: &str) -> &[Row] {
        self.layouts.get(heading).unwrap_or_else(|| panic!("the page has no table {heading}"))
    }

    /// The whole layout of one variant of `Command` or `Event`, with structs put in where they stand.
    pub fn layout(&self, root: &str, variant: &str) -> Vec<Row> {
        let what = root.to_lowercase();
        let rows = self.rows(&format!("every {root}")).iter().chain(self.rows(&format!("{what} {variant}")));
        let mut whole = Vec::new();
        rows.for_each(|row| self.put_in(row, &mut whole));
        whole
    }

    /// Adds the row, or if it is a struct the rows of its parts.
    fn put_in(&self, row: &Row, whole: &mut Vec<Row>) {
        let Some(parts) = self.layouts.get(&format!("struct {}", row.kind)) else {
            whole.push(row.clone());
            return;
        };
        let len: usize = parts.iter().map(|part| part.bytes).sum();
        assert_eq!(row.bytes, len, "{} is as long as its parts", row.field);
        let within = |field: &str| format!("{}.{field}", row.field);
        for part in parts {
            let own = part.only_if.iter().map(|(field, variant)| (within(field), variant.clone()));
            let part = Row {
                offset: row.offset + part.offset,
                field: within(&part.field),
                only_if: row.only_if.iter().cloned().chain(own).collect(),
                ..part.clone()
            };
            self.put_in(&part, whole);
        }
    }

    /// What the page says that these bytes are.
    pub fn decode(&self, root: &str, bytes: &[u8]) -> Fields {
        let head = self.rows(&format!("every {root}")).last().expect("a discriminant");
        let variant = self.value(head, &bytes[head.offset..head.offset + head.bytes]);
        let (mut fields, mut absent, mut end) = (Fields::new(), 0, 0);
        for row in self.layout(root, &variant) {
            if !is_present(&row, &fields) {
                absent += row.bytes;
                continue;
            }
            let at = row.offset - absent;
            assert_eq!(at, end, "{variant}: {} follows what is before it", row.field);
            end = at + row.bytes;
            let value = self.value(&row, &bytes[at..end]);
            fields.push((row.field, value));
        }
        assert_eq!(end, bytes.len(), "{variant}: the page accounts for every byte");
        fields
    }

    /// What the page says that the record at the start of these bytes is, and how long it is.
    pub fn record(&self, name: &str, bytes: &[u8]) -> (Fields, usize) {
        let (fields, places) = self.record_with_places(name, bytes);
        (fields, places.last().map_or(0, |place| place.end))
    }

    /// The same, with the bytes of each field.
    pub fn record_with_places(&self, name: &str, bytes: &[u8]) -> (Fields, Vec<Range<usize>>) {
        let mut whole = Vec::new();
        self.rows(name).iter().for_each(|row| self.put_in(row, &mut whole));
        let (mut fields, mut places) = (Fields::new(), Vec::new());
        let (mut absent, mut end) = (0, 0);
        for row in whole {
            if !is_present(&row, &fields) {
                absent += row.bytes;
                continue;
            }
            assert_eq!(row.offset - absent, end, "{name}: {} follows what is before it", row.field);
            places.push(end..end + row.bytes);
            let value = self.value(&row, &bytes[end..end + row.bytes]);
            end += row.bytes;
            fields.push((row.field, value));
        }
        (fields, places)
    }

    /// The fields of a struct in the order in which its type declares them, from its `Debug` form.
    pub fn fields_of_struct(&self, debug: &str) -> Fields {
        let mut rest = debug;
        let node = parse(&mut rest);
        assert_eq!(rest, "", "all of the value was read");
        let mut fields = Fields::new();
        let Node::Struct(_, parts) = node else { panic!("a record is a struct: {node:?}") };
        parts.into_iter().for_each(|(name, part)| flatten(&name, part, self, &mut fields));
        fields
    }

    fn value(&self, row: &Row, bytes: &[u8]) -> String {
        let unsigned = || bytes.iter().rev().fold(0_i128, |value, byte| value << 8 | i128::from(*byte));
        match row.kind.as_str() {
            "u8" | "u16" | "u32" | "u64" => unsigned().to_string(),
            "i32" => i32::from_le_bytes(bytes.try_into().expect("four bytes")).to_string(),
            "i64" => i64::from_le_bytes(bytes.try_into().expect("eight bytes")).to_string(),
            kind if kind.ends_with(" × i64") => {
                let amount = |eight: &[u8]| i64::from_le_bytes(eight.try_into().expect("eight bytes"));
                format!("{:?}", bytes.chunks(8).map(amount).collect::<Vec<_>>())
            }
            kind if kind.ends_with(" × i32") => {
                let rate = |four: &[u8]| i32::from_le_bytes(four.try_into().expect("four bytes"));
                format!("{:?}", bytes.chunks(4).map(rate).collect::<Vec<_>>())
            }
            kind if kind.ends_with(" × u64") => {
                let volume = |eight: &[u8]| u64::from_le_bytes(eight.try_into().expect("eight bytes"));
                format!("{:?}", bytes.chunks(8).map(volume).collect::<Vec<_>>())
            }
            kind if kind.ends_with(" bytes") => format!("{bytes:?}"),
            name => self.variants(name)[unsigned() as usize].clone(),
        }
    }

    /// Bytes of this variant as the page describes them, with values taken from `random`: any integers, any bytes, and
    /// any variant of every enum that has a name.
    pub fn compose(&self, root: &str, variant: &str, random: &[u8]) -> Vec<u8> {
        let mut choices = random.iter().copied().cycle();
        self.compose_with(root, variant, random, |_, variants| {
            let chosen = usize::from(choices.next().unwrap_or_default()) % variants.len();
            (chosen..variants.len()).find(|at| !variants[*at].is_empty()).expect("the last one has a name")
        })
    }

    /// As [`Self::compose`], with every enum's variant as `choose` says by its number.
    pub fn compose_with(
        &self,
        root: &str,
        variant: &str,
        random: &[u8],
        mut choose: impl FnMut(&Row, &[String]) -> usize,
    ) -> Vec<u8> {
        let mut random = random.iter().copied().cycle();
        let (mut bytes, mut fields) = (Vec::new(), Fields::new());
        for row in self.layout(root, variant) {
            if !is_present(&row, &fields) {
                continue;
            }
            let value: Vec<u8> = match self.enums.get(&row.kind) {
                None => random.by_ref().take(row.bytes).collect(),
                Some(variants) => {
                    let chosen = match row.kind == root {
                        true => variants.iter().position(|known| known == variant).expect("is listed"),
                        false => choose(&row, variants),
                    };
                    chosen.to_le_bytes()[..row.bytes].to_vec()
                }
            };
            // A value that is no variant is written as it was asked for; nothing after it depends on it.
            let is_listed =
                self.enums.get(&row.kind).is_none_or(|variants| usize::from(value[0]) < variants.len());
            if is_listed {
                fields.push((row.field.clone(), self.value(&row, &value)));
            }
            bytes.extend(value);
        }
        bytes
    }

    /// The fields of a value in the order in which its type declares them, from its `Debug` form.
    pub fn fields_of(&self, root: &str, debug: &str) -> Fields {
        let mut rest = debug;
        let node = parse(&mut rest);
        assert_eq!(rest, "", "all of the value was read");
        let mut fields = Fields::new();
        match (root, node) {
            ("Command", node) => contents("command", node, self, &mut fields),
            (_, Node::Struct(_, parts)) => {
                for (name, part) in parts {
                    match name.as_str() {
                        "event" => contents("event", part, self, &mut fields),
                        _ => flatten(&name, part, self, &mut fields),
                    }
                }
            }
            (_, other) => panic!("an event record is a struct: {other:?}"),
        }
        fields
    }
}

fn is_present(row: &Row, before: &Fields) -> bool {
    row.only_if.iter().all(|condition| before.contains(condition))
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
}

fn variants(name: &str, table: &[Vec<&str>]) -> Vec<String> {
    let mut variants = Vec::new();
    for cells in table {
        let number: usize = cells[0].parse().unwrap_or_else(|_| panic!("{name}: not a number: {cells:?}"));
        assert!(number >= variants.len(), "{name}: discriminants rise: {cells:?}");
        // Commands, events and reasons leave numbers out that are promised to others; nothing else has a reason to.
        let may_leave_out = ["Command", "Event", "RejectReason"].contains(&name);
        assert!(may_leave_out || number == variants.len(), "{name}: discriminants count from 0");
        variants.resize(number, String::new());
        variants.push(cells[1].to_owned());
    }
    variants
}

fn row(cells: &[&str]) -> Row {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{cells:?}: not a number: {text}"));
    let (offset, bytes, kind) = (number(cells[0]), number(cells[1]), cells[3].to_owned());
    let expected = match kind.as_str() {
        "u8" => Some(1),
        "u16" => Some(2),
        "u32" | "i32" => Some(4),
        "u64" | "i64" => Some(8),
        other => [(" × i64", 8), (" × u64", 8), (" × i32", 4), (" bytes", 1)]
            .into_iter()
            .find_map(|(of, each)| Some(each * number(other.strip_suffix(of)?))),
    };
    assert!(expected.is_none_or(|expected| expected == bytes), "{cells:?}: the type has another size");
    let only_if = cells[4].split_once(" = ").map(|(field, variant)| (field.to_owned(), variant.to_owned()));
    assert!(cells[4].is_empty() || only_if.is_some(), "{cells:?}: a condition is `field = variant`");
    Row { offset, bytes, field: cells[2].to_owned(), kind, only_if: only_if.into_iter().collect() }
}

/// A value's `Debug` form as a tree.
#[derive(Debug)]
enum Node {
    /// A number, a list of bytes, or a name by itself.
    Leaf(String),
    Tuple(String, Box<Node>),
    Struct(String, Vec<(String, Node)>),
}

fn parse(rest: &mut &str) -> Node {
    let end = if rest.starts_with('[') {
        rest.find(']').expect("a list ends") + 1
    } else {
        rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len())
    };
    let mut head = take(rest, end).to_owned();
    if head.starts_with('[') {
        // Names of newtypes are no part of the bytes.
        head.retain(|c| "[], -".contains(c) || c.is_ascii_digit());
    }
    if rest.starts_with('(') {
        take(rest, 1);
        let inner = parse(rest);
        assert_eq!(take(rest, 1), ")", "only tuples of one are expected in {head}");
        return Node::Tuple(head, Box::new(inner));
    }
    if !rest.starts_with(" { ") {
        return Node::Leaf(head);
    }
    take(rest, 3);
    let mut parts = Vec::new();
    loop {
        let colon = rest.find(": ").expect("a field has a name");
        let name = take(rest, colon).to_owned();
        take(rest, 2);
        parts.push((name, parse(rest)));
        if take(rest, 2) == " }" {
            return Node::Struct(head, parts);
        }
    }
}

fn take<'a>(rest: &mut &'a str, len: usize) -> &'a str {
    let (head, tail) = rest.split_at(len);
    *rest = tail;
    head
}

/// The variant of a command or event, then its fields, which stand by themselves. The family that it stands in is no part of the
/// bytes.
fn contents(path: &str, node: Node, page: &Page, out: &mut Fields) {
    let Node::Tuple(_, of_family) = node else { panic!("a family holds a variant: {node:?}") };
    let (variant, parts) = match *of_family {
        Node::Struct(variant, parts) => (variant, parts),
        Node::Tuple(variant, inner) => match *inner {
            Node::Struct(_, parts) => (variant, parts),
            other => panic!("{variant} holds a struct: {other:?}"),
        },
        Node::Leaf(variant) => (variant, Vec::new()),
    };
    out.push((path.to_owned(), variant));
    parts.into_iter().for_each(|(name, part)| flatten(&name, part, page, out));
}

fn flatten(path: &str, node: Node, page: &Page, out: &mut Fields) {
    match node {
        Node::Leaf(text) => out.push((path.to_owned(), text)),
        Node::Tuple(name, inner) if page.is_variant(&name) => {
            let inner_path = format!("{path}.{name}");
            out.push((path.to_owned(), name));
            flatten(&inner_path, *inner, page, out);
        }
        // A newtype: its name is no part of the bytes.
        Node::Tuple(_, inner) => flatten(path, *inner, page, out),
        Node::Struct(_, parts) => {
            parts.into_iter().for_each(|(name, part)| flatten(&format!("{path}.{name}"), part, page, out))
        }
    }
}
