//! Runs rumqttd with a configuration file in JSON: `mqdrop-e2e-rumqttd FILE`.

use std::error::Error;
use std::fs::File;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("Name a configuration file.")?;
    let config: rumqttd::Config = serde_json::from_reader(File::open(path)?)?;
    rumqttd::Broker::new(config).start()?;
    Ok(())
}
