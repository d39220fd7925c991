//! docs/errors.md has every answer of these routes that is not a success, and no other.

use std::collections::BTreeSet;

use axum::http::StatusCode;

/// Sources, and the routes whose answers they make.
const SOURCES: [(&[&str], &[&str]); 7] = [
    (&[include_str!("cors.rs"), include_str!("refusal.rs")], &["any"]),
    (&[include_str!("mod.rs")], &["`/v1/socket`", "`/readyz`"]),
    (&[include_str!("documents.rs")], &["`/v1/documents/ID`"]),
    (&[include_str!("tokens.rs")], &["`/v1/tokens`"]),
    (&[include_str!("existence.rs"), include_str!("api_key.rs")], &["`DELETE`, `PUT`"]),
    (&[include_str!("revocations.rs"), include_str!("api_key.rs")], &["`/v1/revocations`"]),
    (&[include_str!("files.rs")], &["files"]),
];

/// The statuses of errors that a source names, as constants or at the beginning of a text.
fn named(source: &str) -> BTreeSet<u16> {
    let code = source.split("\nmod tests {").next().unwrap_or_default();
    let constants = code.split("StatusCode::").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next()?;
        (400..600).find(|&number| {
            let status = StatusCode::from_u16(number).ok();
            let reason = status.and_then(|status| status.canonical_reason());
            reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == name)
        })
    });
    let texts = code.split('"').filter_map(|text| text.split_once(' ')?.0.parse().ok());
    constants.chain(texts.filter(|number| (400..600).contains(number))).collect()
}

#[test]
fn every_answer_has_a_row_and_every_row_an_answer() {
    let page = include_str!("../../../docs/errors.md");
    let (_, table) = page.split_once("\n| route | status |").unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for (sources, routes) in SOURCES {
        let answered: BTreeSet<u16> = sources.iter().flat_map(|source| named(source)).collect();
        let rows = rows.iter().filter(|row| row.len() > 2 && routes.contains(&row[1]));
        let documented: BTreeSet<u16> = rows.map(|row| row[2].parse().unwrap()).collect();
        assert!(!answered.is_empty(), "this test finds those of {routes:?}");
        assert_eq!(documented, answered, "{routes:?}");
    }
    let known: Vec<&str> = SOURCES.iter().flat_map(|(_, routes)| routes.iter().copied()).collect();
    for row in rows.iter().filter(|row| row.len() > 2 && row[2].parse::<u16>().is_ok()) {
        assert!(known.contains(&row[1]), "there is no route {}", row[1]);
    }
}
