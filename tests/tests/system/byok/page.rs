//! docs/byok.md, told by the program itself.

use kernel::{Clock, SystemClock};
use testkit::{Backend, FakeProvider, ProviderAnswer};

use crate::rig::process::{Server, Site};
use crate::walkthrough::{commands, follow, walk};

const PAGE: &str = include_str!("../../../../docs/byok.md");

/// The commands of the page after those of the README, against a provider that refuses the key, as the real one would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_page_work_after_those_of_the_readme() {
    let site = Site::on(Backend::Sqlite).await;
    let fake = FakeProvider::start();
    fake.answers(ProviderAnswer::status(401));
    let server = Server::start(site.program(&["--listen", "127.0.0.1:0"]).envs(fake.environment()));
    // The last block is for several machines.
    let blocks = commands(PAGE);
    let [keys, service, rotation, _] = blocks[..] else { panic!("{blocks:?}") };
    let today = SystemClock.now().format("k%Y%m%d").to_string();
    let rotation = rotation.replace("k20261122", &today);
    let all = [walk(), vec![keys, service, &rotation]].concat();
    let (ended, script) = follow(&site, &server, &all).await;
    assert_eq!(ended.code, Some(0), "{ended:?}\n{script}");
    for told in [
        "\"key_preview\":\"****0000\"",
        "\"status\":\"invalid\",\"success\":false,\"message\":\"OpenAI refused the key\",\"details\":{\"status_code\":401}",
        "\"status\":\"rejected\"",
        &format!(
            "{{\"provider\":\"openai\",\"key\":\"sk-proj-not-a-key-that-works-0000\",\"endpoint\":\"{}\"}}",
            fake.url()
        ),
        &format!("0 provider keys are sealed anew; the active master key is {today}-2."),
        &format!("The master key {today} is retired, and no longer in the key ring."),
    ] {
        assert!(ended.out.contains(told), "{told}: {ended:?}");
    }
}
