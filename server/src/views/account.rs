//! The learner's account, without secrets.

use app::error::BackendError;
use app::model::{
    AccessKeyView, AccountView, Choice, ConnectView, ConnectWay, FieldInput, FieldView, IdentityView, PlaceView,
    RoleOfferView,
};
use lab::{Engine, VariableHelp};
use sandbox::AccountId;

use super::seconds;
use crate::connect::{LiveMode, REGIONS, RoleOffer};
use crate::place::{Connection, Place};
use crate::state::{Headwater, Seat, internal};
use crate::{checking, enrolment};

/// Longest name that the form takes; each has its own bound, which is told when it is broken.
const NAME_LENGTH: u32 = 256;

/// The account, how it is reached, and the learner's names.
pub async fn account(headwater: &Headwater, seat: &Seat, unlocked: bool) -> Result<AccountView, BackendError> {
    let place = match &seat.place {
        Place::Sandbox => sandbox(headwater, seat).await?,
        Place::Account { .. } => PlaceView::Account(connect(headwater, seat, unlocked).await?),
    };
    let help = &headwater.lab(seat.engine()).variables;
    Ok(AccountView {
        account_id: seat.learner.account.clone(),
        region: seat.variables.region.clone(),
        engine: engine(seat.engine()).to_owned(),
        place,
        names: help.iter().filter(|help| seat.engine().uses(&help.name)).map(|help| name_view(help, seat)).collect(),
    })
}

/// What counts, as a sentence says it.
pub fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::SqlApplication => "a SQL application",
        Engine::TumblingWindow => "a Lambda function with a tumbling window",
        Engine::Flink => "Managed Service for Apache Flink",
    }
}

async fn sandbox(headwater: &Headwater, seat: &Seat) -> Result<PlaceView, BackendError> {
    let account: AccountId = seat.learner.account.parse().map_err(internal)?;
    let keys = headwater.sandbox().access_keys(&account).await.map_err(internal)?;
    Ok(PlaceView::Sandbox {
        endpoint: seat.variables.endpoint.clone(),
        access_keys: keys
            .into_iter()
            .map(|key| AccessKeyView { id: key.id, created_at: seconds(key.created) })
            .collect(),
    })
}

async fn connect(headwater: &Headwater, seat: &Seat, unlocked: bool) -> Result<ConnectView, BackendError> {
    let connector = headwater.connector();
    let way = match connector.mode() {
        LiveMode::Off => ConnectWay::Off,
        LiveMode::Local if unlocked => ConnectWay::Machine { locked: false, profiles: connector.profiles().await },
        LiveMode::Local => ConnectWay::Machine { locked: true, profiles: Vec::new() },
        LiveMode::Hosted => role(headwater, seat).await?,
    };
    let found = seat.desk.found().map(|found| IdentityView {
        account_id: found.identity.account,
        arn: found.identity.arn,
        region: found.region,
        by: by(&found.connection),
    });
    let connected = seat.place.connected().filter(|connected| connector.serves(&connected.connection));
    Ok(ConnectView {
        way,
        regions: REGIONS
            .iter()
            .map(|(code, place)| Choice { value: (*code).to_owned(), label: format!("{place} · {code}") })
            .collect(),
        region: seat.variables.region.clone(),
        found,
        connected: connected.map(|connected| IdentityView {
            account_id: seat.learner.account.clone(),
            arn: connected.arn.clone(),
            region: seat.variables.region.clone(),
            by: by(&connected.connection),
        }),
    })
}

/// The role on offer, once the learner has told where it is to be made.
async fn role(headwater: &Headwater, seat: &Seat) -> Result<ConnectWay, BackendError> {
    Ok(match offer(headwater, seat).await? {
        Some(Ok(offer)) => ConnectWay::Role { offer: Some(offer_view(&offer, seat)), problem: None },
        Some(Err(problem)) => ConnectWay::Role { offer: None, problem: Some(problem) },
        None => ConnectWay::Role { offer: None, problem: None },
    })
}

/// The role on offer, or why there is none; `None` while the account is not known, or where roles are not used.
pub async fn offer(headwater: &Headwater, seat: &Seat) -> Result<Option<Result<RoleOffer, String>>, BackendError> {
    if headwater.connector().mode() != LiveMode::Hosted || !seat.place.is_account() || seat.variables.account.is_empty()
    {
        return Ok(None);
    }
    let external_id = enrolment::external_id(headwater, seat).await?;
    let subject = checking::names(&seat.variables);
    let offer = headwater.connector().offer(&external_id, &subject).await;
    Ok(Some(offer.map_err(|error| error.to_string())))
}

fn offer_view(offer: &RoleOffer, seat: &Seat) -> RoleOfferView {
    RoleOfferView {
        account_id: seat.variables.account.clone(),
        external_id: offer.external_id().as_str().to_owned(),
        principal: offer.principal().to_owned(),
        policy: offer.policy(),
        cloudformation: offer.cloudformation(),
        terraform: offer.terraform(),
        commands: offer.commands(),
    }
}

fn by(connection: &Connection) -> String {
    match connection {
        Connection::Profile { profile: None } => "this machine's default credentials".to_owned(),
        Connection::Profile { profile: Some(profile) } => format!("the profile {profile}"),
        Connection::Role { role, .. } => format!("the role {role}"),
    }
}

fn name_view(help: &VariableHelp, seat: &Seat) -> FieldView {
    let input = if help.name == "window_seconds" {
        let max = if seat.engine() == Engine::TumblingWindow { 900 } else { 3600 };
        FieldInput::Number { min: 1, max, unit: Some("seconds".to_owned()) }
    } else {
        FieldInput::Text { max_length: NAME_LENGTH }
    };
    FieldView {
        name: help.name.clone(),
        label: help.label.clone(),
        help_html: lab::render_inline(&help.help, &seat.variables).into_string(),
        value: seat.variables.get(&help.name).unwrap_or_default(),
        required: true,
        input,
    }
}
