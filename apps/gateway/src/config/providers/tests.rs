use std::fs;

use super::*;
use crate::config::Sources;

#[test]
fn the_shipped_providers_are_the_fifteen() {
    let providers = Providers::new(read(SHIPPED, "the shipped providers").expect("providers"));
    let names: Vec<&str> = providers.iter().map(|provider| provider.id.as_str()).collect();
    let expected = "anthropic azure_openai cohere custom deepseek google groq huggingface mistral ollama openai openrouter perplexity \
                    together xai";
    assert_eq!(names.join(" "), expected);
    let catalogue = crate::config::catalogue::read(crate::config::catalogue::SHIPPED, "").expect("a catalogue");
    for provider in providers.iter() {
        let customers = ["custom", "azure_openai", "ollama"].contains(&provider.id.as_str());
        assert_eq!(provider.home == Home::Customer, customers, "{}", provider.id);
        if let Home::Fixed(endpoint) = &provider.home {
            assert!(!endpoint.is_plain(), "{}", provider.id);
        }
        assert!(!provider.services.is_empty(), "{}", provider.id);
        for service in &provider.services {
            assert!(catalogue.service(service).is_some(), "{}: {service}", provider.id);
        }
    }
    let get = |id: &str| providers.get(&id.parse().expect("an id")).expect("a provider").clone();
    let anthropic = get("anthropic");
    assert_eq!(anthropic.auth, AuthStyle::Header("x-api-key".to_owned()));
    assert_eq!(anthropic.headers, [("anthropic-version".to_owned(), "2023-06-01".to_owned())]);
    assert_eq!(get("cohere").probe, ProbeCall::Post("/v1/check-api-key".to_owned(), "{}".to_owned()));
    let format = KeyFormat { prefixes: vec!["sk-".to_owned()], min_length: 20, max_length: 512 };
    assert_eq!(get("openai").key_format, format);
}

#[test]
fn the_page_documents_every_key() {
    let explained: String = SHIPPED.lines().filter(|line| line.starts_with('#')).collect();
    for key in PROVIDER {
        assert!(explained.contains(key), "{key}");
    }
}

/// A good file, to be spoilt: line 1 to 6.
const GOOD: &str = "[providers.acme]\n\
                    name = \"Acme\"\n\
                    docs_url = \"https://acme.example/keys\"\n\
                    endpoint = \"https://api.acme.example\"\n\
                    auth = \"bearer\"\n\
                    probe = \"GET /v1/models\"\n";

#[test]
fn a_file_may_say_as_little_as_it_likes() {
    let provider = read(GOOD, "mine.toml").expect("providers").remove(0);
    let format = KeyFormat { prefixes: Vec::new(), min_length: 10, max_length: 4096 };
    assert_eq!((provider.key_format, provider.services.len(), provider.headers.len()), (format, 0, 0));
    assert!(provider.refused_by.is_empty());
}

/// What takes the place of which line, and what is said of which line.
const BROKEN: [(usize, &str, usize, &str); 33] = [
    (1, "[providers.Acme]", 1, "provider Acme: must be 1 to 64 of the characters a-z"),
    (1, "[provider.acme]", 1, "provider: there is no such key; did you mean providers?"),
    (1, "[[providers]]", 1, "providers: must be tables, such as [providers.name]"),
    (2, "nmae = \"Acme\"", 2, "provider acme: nmae: there is no such key; did you mean name?"),
    (2, "", 1, "provider acme: name: is missing"),
    (2, "name = \" \"", 2, "provider acme: name: must not be empty"),
    (2, "name = 3", 2, "provider acme: name: must be text"),
    (2, "name = \"Acme", 2, "not valid TOML"),
    (3, "docs_url = \"javascript:alert(1)\"", 3, "provider acme: docs_url: must begin with https://"),
    (3, "", 1, "provider acme: docs_url: is missing"),
    (4, "endpoint = \"acme.example\"", 4, "provider acme: endpoint: must be a URL"),
    (4, "endpoint = \"ftp://acme.example\"", 4, "provider acme: endpoint: must begin with https://"),
    (4, "endpoint = \"https://u:p@acme.example\"", 4, "provider acme: endpoint: must not contain a user name"),
    (4, "endpoint = \"https://acme.example/?key=\"", 4, "provider acme: endpoint: must not contain '?'"),
    (5, "auth = \"query:key\"", 5, "provider acme: auth: must be \"bearer\", or \"header:\""),
    (5, "auth = \"header:\"", 5, "provider acme: auth: must be"),
    (5, "auth = \"header:x key\"", 5, "provider acme: auth: must be"),
    (5, "auth = \"header:Host\"", 5, "provider acme: auth: must be"),
    (5, "", 1, "provider acme: auth: is missing"),
    (5, "auth = \"bearer\"\nheaders = 3", 6, "provider acme: headers: must be names with texts"),
    (5, "auth = \"bearer\"\nheaders = { x-a = 3 }", 6, "provider acme: headers: must be names with texts"),
    (5, "auth = \"bearer\"\nheaders = { host = 'x' }", 6, "provider acme: headers: must be names and values"),
    (5, "auth = \"bearer\"\nheaders = { x-a = \"a\\r\\nb\" }", 6, "provider acme: headers: must be names and values"),
    (6, "probe = \"DELETE /v1/models\"", 6, "provider acme: probe: must be \"GET /path\""),
    (6, "probe = \"GET v1/models\"", 6, "provider acme: probe: must be \"GET /path\""),
    (6, "probe = \"GET //evil.example/\"", 6, "provider acme: probe: must be \"GET /path\""),
    (6, "probe = \"POST /v1/check\"", 1, "provider acme: probe_body: is missing"),
    (6, "probe = \"POST /v1/check\"\nprobe_body = \"{\"", 7, "provider acme: probe_body: must be JSON"),
    (6, "probe = \"none\"\nprobe_body = \"{}\"", 7, "provider acme: probe_body: is for a probe by POST only"),
    (6, "probe = \"none\"\nkey_min = 9", 7, "provider acme: key_min: must be 10 to 4096"),
    (6, "probe = \"none\"\nkey_min = 30\nkey_max = 20", 7, "provider acme: key_min: must not be more than key_max"),
    (6, "probe = \"none\"\nservices = [\"Chat\"]", 7, "provider acme: services: \"Chat\": must be 1 to 64"),
    (6, "probe = \"none\"\nrefused_by = [\"\"]", 7, "provider acme: refused_by: must not contain an empty text"),
];

#[test]
fn each_mistake_is_told_by_file_line_and_field() {
    for (line, instead, at, expected) in BROKEN {
        let lines = GOOD.lines().enumerate().map(|(n, good)| if n + 1 == line { instead } else { good });
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let said = read(&text, "mine.toml").expect_err(&text).to_string();
        assert!(said.contains(&format!("mine.toml line {at}: {expected}")), "{text}\n{said}");
    }
    assert!(read("", "mine.toml").expect_err("nothing").to_string().contains("mine.toml line 1: there is no provider"));
}

#[test]
fn an_installation_adds_and_replaces_providers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("providers.toml");
    fs::write(&path, format!("{GOOD}{}", GOOD.replace("acme]", "openai]"))).expect("a file");
    let named = |path: String| Config::load(&Sources::of_variables([("OPS_CENTER__BYOK__PROVIDERS".to_owned(), path)]));
    let providers = load(&named(path.display().to_string()).expect("a configuration")).expect("providers");
    assert_eq!(providers.len(), 16);
    assert_eq!(providers.get(&"openai".parse().expect("an id")).expect("replaced").name, "Acme");
    let said = load(&named("/nowhere/p.toml".to_owned()).expect("a configuration")).expect_err("no file").to_string();
    assert!(said.contains("byok.providers") && said.contains("/nowhere/p.toml"), "{said}");
}
