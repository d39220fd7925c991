//! The table of docs/faults.md and the tests that there are, held against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rows that must hold before anybody keeps a document in it, by section.
const MUST_HOLD: [(char, &[u32]); 8] = [
    ('A', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 18, 19, 20]),
    ('B', &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15]),
    ('C', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 21, 22, 23, 24, 25]),
    ('D', &[1, 2, 3, 4, 5, 6, 9, 10, 11, 12]),
    ('E', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ('F', &[1, 2, 3, 4, 5, 6, 9]),
    ('G', &[1, 2, 3, 4, 5, 6, 7, 9, 10]),
    ('H', &[1, 4]),
];

/// How many rows each section has.
const ROWS: [(char, u32); 8] = [('A', 20), ('B', 15), ('C', 25), ('D', 12), ('E', 10), ('F', 9), ('G', 10), ('H', 5)];

/// Where tests are.
const SOURCES: [&str; 8] = [
    "tests/src",
    "tests/tests",
    "tests/browser",
    "client/src",
    "client/tests",
    "client-wasm/tests",
    "protocol",
    "server",
];

/// A row's id, such as A1.
type Id = (char, u32);

/// A test that bears an id: where it is, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    file: String,
    name: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn is_row((section, number): Id) -> bool {
    ROWS.iter().any(|(known, rows)| *known == section && (1..=*rows).contains(&number))
}

/// What is wrong between a table and the tests, a line each.
fn faults_of(table: &BTreeMap<Id, BTreeSet<Test>>, tests: &BTreeMap<Id, BTreeSet<Test>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (section, numbers) in MUST_HOLD {
        for id in numbers.iter().map(|number| (section, *number)) {
            if tests.get(&id).is_none_or(BTreeSet::is_empty) {
                wrong.push(format!("{section}{} has no test", id.1));
            }
            if !table.contains_key(&id) {
                wrong.push(format!("{section}{} is not in the table", id.1));
            }
        }
    }
    let unknown = table.keys().chain(tests.keys()).filter(|id| !is_row(**id)).collect::<BTreeSet<_>>();
    wrong.extend(unknown.into_iter().map(|(section, number)| format!("{section}{number} is no row")));
    let none = BTreeSet::new();
    for id in table.keys().chain(tests.keys()).collect::<BTreeSet<_>>() {
        let (told, are) = (table.get(id).unwrap_or(&none), tests.get(id).unwrap_or(&none));
        let name = |test: &Test| format!("{}{}: {}: {}", id.0, id.1, test.file, test.name);
        wrong.extend(told.difference(are).map(|test| format!("{} is in the table, and does not exist", name(test))));
        wrong.extend(are.difference(told).map(|test| format!("{} is not in the table", name(test))));
    }
    wrong
}

/// The ids that a name begins with, and what is in between: `a8_a9_an_append`, `A8 A9 an append`.
fn ids_of(name: &str, between: char) -> Vec<Id> {
    let id = |word: &str| {
        let section = word.chars().next()?.to_ascii_uppercase();
        let number = word.get(1..)?.parse().ok()?;
        ('A'..='H').contains(&section).then_some((section, number))
    };
    name.split(between).map_while(id).collect()
}

/// The tests of a file that bear an id.
fn tests_of(file: &str, text: &str) -> Vec<(Vec<Id>, Test)> {
    let test = |name: &str| Test { file: file.to_owned(), name: name.to_owned() };
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if file.ends_with(".mjs") {
            // A title may be a template, and is named as it is written.
            let quotes =
                ["test(\"", "test(`"].into_iter().find_map(|call| Some((line.strip_prefix(call)?, &call[5..])));
            let title = quotes.and_then(|(rest, quote)| rest.split(quote).next());
            found.extend(title.map(|title| (ids_of(title, ' '), test(title))));
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if !line.starts_with("//") {
            let function = line.strip_prefix("async fn ").or(line.strip_prefix("fn "));
            let name = function.filter(|_| is_test).and_then(|rest| rest.split('(').next());
            found.extend(name.map(|name| (ids_of(name, '_'), test(name))));
            is_test = false;
        }
    }
    found.retain(|(ids, _)| !ids.is_empty());
    found
}

/// The rows of the table, with their tests.
fn rows_of(text: &str) -> BTreeMap<Id, BTreeSet<Test>> {
    let mut table: BTreeMap<Id, BTreeSet<Test>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, row, _, _, tests, ..] = cells[..] else { continue };
        let [id] = ids_of(row, ' ')[..] else { continue };
        let named = tests.split('`').skip(1).step_by(2).filter_map(|test| test.split_once(": "));
        let named = named.map(|(file, name)| Test { file: file.to_owned(), name: name.to_owned() });
        table.entry(id).or_default().extend(named);
    }
    table
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["node_modules", "target"].contains(&name) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") || name.ends_with(".mjs") {
            found.push(path);
        }
    }
}

fn all_tests() -> BTreeMap<Id, BTreeSet<Test>> {
    let root = root();
    let mut files = Vec::new();
    SOURCES.iter().for_each(|folder| sources(&root.join(folder), &mut files));
    let mut tests: BTreeMap<Id, BTreeSet<Test>> = BTreeMap::new();
    for path in files {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        for (ids, test) in tests_of(&file, &fs::read_to_string(&path).unwrap()) {
            ids.into_iter().for_each(|id| {
                tests.entry(id).or_default().insert(test.clone());
            });
        }
    }
    tests
}

#[test]
fn every_row_that_must_hold_has_a_test_and_the_table_names_those_that_exist() {
    let table = rows_of(&fs::read_to_string(root().join("docs/faults.md")).unwrap());
    let wrong = faults_of(&table, &all_tests());
    assert!(wrong.is_empty(), "docs/faults.md and the tests differ:\n  {}", wrong.join("\n  "));
}

/// Each kind of difference is found.
#[test]
fn a_table_that_says_something_else_than_the_tests_is_found_out() {
    let test = |name: &str| Test { file: "tests/x.rs".to_owned(), name: name.to_owned() };
    let mut all = BTreeMap::<Id, BTreeSet<Test>>::new();
    for (section, numbers) in MUST_HOLD {
        for number in numbers {
            all.insert((section, *number), BTreeSet::from([test("t")]));
        }
    }
    assert_eq!(faults_of(&all, &all), Vec::<String>::new());
    let without =
        |id: Id| all.iter().filter(|(known, _)| **known != id).map(|(id, tests)| (*id, tests.clone())).collect();
    let with = |id: Id, name: &str| {
        let mut more = all.clone();
        more.entry(id).or_default().insert(test(name));
        more
    };
    let found = |table: &BTreeMap<_, _>, tests: &BTreeMap<_, _>| faults_of(table, tests).join("\n");
    assert!(found(&all, &without(('A', 1))).contains("A1 has no test"));
    assert!(found(&without(('F', 9)), &all).contains("F9 is not in the table"));
    assert!(found(&with(('B', 4), "gone"), &all).contains("gone is in the table, and does not exist"));
    assert!(found(&all, &with(('B', 4), "new")).contains("new is not in the table"));
    assert!(found(&all, &with(('C', 26), "new")).contains("C26 is no row"));

    let rust =
        "#[test]\nfn a8_a9_late() {\n#[tokio::test(flavor = \"x\")]\n/// Why.\nasync fn b1_x() {\nfn c1_helper() {\n";
    let names: Vec<_> = tests_of("x.rs", rust).into_iter().map(|(ids, test)| (ids, test.name)).collect();
    let expected = [(vec![('A', 8), ('A', 9)], "a8_a9_late".to_owned()), (vec![('B', 1)], "b1_x".to_owned())];
    assert_eq!(names, expected);
    let script = "test(\"G4 G5 a page\", async () => {\n";
    assert_eq!(
        tests_of("x.mjs", script)[0],
        (vec![('G', 4), ('G', 5)], Test { file: "x.mjs".into(), name: "G4 G5 a page".into() })
    );
    let template = "for (const name of names) {\n  test(`G7 ${name}: \"x\" lasts`, () => {\n";
    assert_eq!(tests_of("x.mjs", template)[0].1.name, "G7 ${name}: \"x\" lasts");
    let table = rows_of("| Row | Fault |\n|---|---|\n| A8 | f | h | `x.rs: a8_a`<br>`y.mjs: A8 a b` | s |\n");
    let named: Vec<_> = table[&('A', 8)].iter().map(|test| test.name.as_str()).collect();
    assert_eq!(named, ["a8_a", "A8 a b"]);
}
