//! Dashboard and alerts speak of numbers that a server gives, and of sections that the manual has.

use std::collections::BTreeSet;
use std::path::Path;

use cowrite_tests::server::ServerProcess;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

#[tokio::test]
async fn every_number_of_dashboard_and_alerts_is_on_the_page_of_a_server() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let page = server.get("/metrics").await.unwrap().body;
    let typed = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let known: BTreeSet<String> = typed
        .flat_map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            let parts: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            parts.iter().map(move |part| format!("{name}{part}"))
        })
        .collect();
    assert!(known.len() > 60 && known.contains("process_resident_memory_bytes"), "{known:?}");
    let mut used = BTreeSet::new();
    for expression in panels().into_iter().chain(rules().into_iter().map(|rule| rule.expression)) {
        let names = names(&expression);
        assert!(!names.is_empty() || expression.starts_with("up{"), "nothing of ours: {expression}");
        let unknown: Vec<_> = names.iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {expression}");
        used.extend(names.into_iter().map(str::to_owned));
    }
    // What a service is judged by is to be seen.
    for name in [
        "cowrite_submit_to_ack_seconds_bucket",
        "cowrite_submit_to_fan_out_seconds_bucket",
        "cowrite_append_seconds_bucket",
        "cowrite_ready",
        "cowrite_log_up",
        "cowrite_auth_failures_total",
        "process_resident_memory_bytes",
    ] {
        assert!(used.contains(name), "{name}");
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/dashboard.json")).unwrap();
    assert!(dashboard["uid"] == "cowrite" && dashboard["schemaVersion"].as_u64() >= Some(36));
    let panels = dashboard["panels"].as_array().unwrap();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's");
        let place = &panel["gridPos"];
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|name| place[name].as_u64().unwrap());
        assert!(x + width <= 24, "{title} is too wide");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} covers another");
        }
        if panel["type"] != "row" {
            assert!(panel["description"].as_str().is_some_and(|text| text.len() > 8), "{title} says nothing");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    assert_eq!(panels[0]["title"], "Is it well?");
}

#[test]
fn every_alert_has_a_section_of_the_manual_and_every_section_an_alert() {
    let manual = file("docs/operating.md");
    let sections: BTreeSet<_> = manual.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let mut names = BTreeSet::new();
    for rule in rules() {
        let (_, anchor) = rule.runbook.split_once("docs/operating.md#").expect("it names a section of the manual");
        assert_eq!(anchor, rule.name.to_lowercase(), "{}", rule.name);
        assert!(sections.contains(rule.name.as_str()), "{} is not explained", rule.name);
        assert!(["critical", "warning", "info"].contains(&rule.severity.as_str()), "{}", rule.name);
        assert!(rule.summary.ends_with('.'), "{}", rule.name);
        assert!(names.insert(rule.name.clone()), "{} twice", rule.name);
        let section = manual.split(&format!("### {}\n", rule.name)).nth(1).unwrap().split("\n### ").next().unwrap();
        assert!(section.contains(&format!("*{}.*", rule.severity)) && section.contains("**Do:**"), "{}", rule.name);
    }
    assert_eq!(sections, names.iter().map(String::as_str).collect());
    // Links within the manual lead somewhere.
    for anchor in manual.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let headings =
            manual.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches(['#', ' ']));
        let leads = headings
            .map(|heading| heading.to_lowercase().replace(',', "").replace(' ', "-"))
            .any(|known| known == anchor);
        assert!(leads, "#{anchor}");
    }
}

#[test]
fn prometheus_and_the_compose_file_name_files_and_servers_that_are_there() {
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    assert_eq!(prometheus["rule_files"][0].as_str(), Some("alerts.yaml"));
    let compose = yaml("compose.yaml");
    for target in prometheus["scrape_configs"][0]["static_configs"][0]["targets"].as_vec().unwrap() {
        let (server, _) = target.as_str().unwrap().split_once(':').unwrap();
        assert!(!compose["services"][server].is_badvalue(), "{server}");
    }
    for watcher in ["prometheus", "grafana"] {
        let service = &compose["services"][watcher];
        assert_eq!(service["profiles"][0].as_str(), Some("watch"));
        assert!(service["ports"][0].as_str().unwrap().starts_with("127.0.0.1:"), "{watcher} is published");
        for volume in service["volumes"].as_vec().unwrap() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(from).exists();
            assert!(!from.starts_with("./") || is_there, "{from}");
        }
    }
    for part in ["datasource", "provider"] {
        assert_eq!(yaml(&format!("deploy/grafana/{part}.yaml"))["apiVersion"].as_i64(), Some(1));
    }
}

struct Rule {
    name: String,
    expression: String,
    severity: String,
    summary: String,
    runbook: String,
}

fn rules() -> Vec<Rule> {
    let alerts = yaml("deploy/prometheus/alerts.yaml");
    let text = |value: &Yaml| value.as_str().unwrap().to_owned();
    let rules = alerts["groups"][0]["rules"].as_vec().unwrap();
    assert!(rules.len() > 20);
    rules
        .iter()
        .map(|rule| Rule {
            name: text(&rule["alert"]),
            expression: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            summary: text(&rule["annotations"]["summary"]),
            runbook: text(&rule["annotations"]["runbook_url"]),
        })
        .collect()
}

fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap().clone());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The words of an expression that are names of ours.
fn names(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("cowrite_") || word.starts_with("process_")).collect()
}

fn yaml(path: &str) -> Yaml {
    let documents = YamlLoader::load_from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    documents.into_iter().next().unwrap()
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
