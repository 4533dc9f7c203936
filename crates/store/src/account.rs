use account_core::{
    AvatarName, DisplayName, Locale, NotificationPatch, Notifications, Phone, Profile, ProfilePatch, ProfileStore,
    ShortText, Timezone, UsageAlertThreshold,
};
use async_trait::async_trait;
use kernel::{Record, StoreError, UserId};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set,
};

use crate::connection::Database;
use crate::entity::{app_user, notification_choice, user_profile};
use crate::error::{Failure, bad_column};
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{read, search_text};

/// Profiles and notification choices in the database.
#[derive(Debug, Clone)]
pub struct SeaProfiles(Database);

impl SeaProfiles {
    /// The profiles in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn exists(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(self.0.ask(app_user::Entity::by_id(user).one(self.0.reader())).await?.is_some())
    }
}

/// The user's profile row, made if there was none, and locked; `None` without such a user.
async fn locked_profile(tx: &Tx, user: UserId) -> Result<Option<user_profile::Model>, Failure> {
    if app_user::Entity::by_id(user).one(&**tx).await?.is_none() {
        return Ok(None);
    }
    let empty = user_profile::ActiveModel { user_id: Set(user.uuid()), ..Default::default() };
    user_profile::Entity::insert(empty)
        .on_conflict(OnConflict::column(user_profile::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await
        .map(drop)
        .or_else(nothing_inserted)?;
    Ok(user_profile::Entity::of_user(user).lock(LockType::Update).one(&**tx).await?)
}

async fn locked_choices(tx: &Tx, user: UserId) -> Result<Option<notification_choice::Model>, Failure> {
    if app_user::Entity::by_id(user).one(&**tx).await?.is_none() {
        return Ok(None);
    }
    let default = choices_row(user, &Notifications::default()).into_active_model().reset_all();
    notification_choice::Entity::insert(default)
        .on_conflict(OnConflict::column(notification_choice::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await
        .map(drop)
        .or_else(nothing_inserted)?;
    Ok(notification_choice::Entity::of_user(user).lock(LockType::Update).one(&**tx).await?)
}

/// That the row was there already is what `do_nothing` is for.
fn nothing_inserted(err: sea_orm::DbErr) -> Result<(), sea_orm::DbErr> {
    if matches!(err, sea_orm::DbErr::RecordNotInserted) { Ok(()) } else { Err(err) }
}

fn set<T>(patch: Option<&Option<T>>, text: impl Fn(&T) -> &str) -> ActiveValue<Option<String>> {
    patch.map_or(ActiveValue::NotSet, |value| Set(value.as_ref().map(|value| text(value).to_owned())))
}

fn patched(patch: &ProfilePatch) -> user_profile::ActiveModel {
    let display_name = set(patch.display_name.as_ref(), DisplayName::as_str);
    let search = match &display_name {
        ActiveValue::Set(name) => Set(name.as_deref().map(|name| search_text(&[name]))),
        _ => ActiveValue::NotSet,
    };
    user_profile::ActiveModel {
        user_id: ActiveValue::NotSet,
        display_name,
        search_text: search,
        bio: set(patch.bio.as_ref(), ShortText::as_str),
        company: set(patch.company.as_ref(), ShortText::as_str),
        job_title: set(patch.job_title.as_ref(), ShortText::as_str),
        phone: set(patch.phone.as_ref(), Phone::as_str),
        locale: set(patch.locale.as_ref(), Locale::as_str),
        timezone: set(patch.timezone.as_ref(), Timezone::as_str),
        avatar: ActiveValue::NotSet,
    }
}

async fn update_profile(tx: &Tx, user: UserId, row: user_profile::ActiveModel) -> Result<(), Failure> {
    if row.is_changed() {
        let mine = user_profile::Column::UserId.eq(user.uuid());
        user_profile::Entity::update_many().set(row).filter(mine).exec(&**tx).await?;
    }
    Ok(())
}

fn text<T, E>(
    column: &'static str,
    value: Option<String>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, StoreError> {
    value.map(|value| read(column, parse(&value))).transpose()
}

fn to_profile(row: user_profile::Model) -> Result<Profile, StoreError> {
    let avatar = row.avatar.map(|name| AvatarName::parse(&name).ok_or_else(|| bad_column("user_profile.avatar")));
    Ok(Profile {
        user: UserId::from_uuid(row.user_id),
        display_name: text("user_profile.display_name", row.display_name, DisplayName::parse)?,
        bio: text("user_profile.bio", row.bio, ShortText::parse)?,
        company: text("user_profile.company", row.company, ShortText::parse)?,
        job_title: text("user_profile.job_title", row.job_title, ShortText::parse)?,
        phone: text("user_profile.phone", row.phone, Phone::parse)?,
        locale: text("user_profile.locale", row.locale, Locale::parse)?,
        timezone: text("user_profile.timezone", row.timezone, Timezone::parse)?,
        avatar: avatar.transpose()?,
    })
}

fn choices_row(user: UserId, choices: &Notifications) -> notification_choice::Model {
    notification_choice::Model {
        user_id: user.uuid(),
        email: choices.email,
        system: choices.system,
        updates: choices.updates,
        security: choices.security,
        billing: choices.billing,
        marketing: choices.marketing,
        sms: choices.sms,
        push: choices.push,
        usage_alerts: choices.usage_alerts,
        usage_alert_threshold: i64::from(choices.usage_alert_threshold.percent()),
        frequency: choices.frequency.as_str().to_owned(),
    }
}

fn to_choices(row: &notification_choice::Model) -> Result<Notifications, StoreError> {
    const THRESHOLD: &str = "notification_choice.usage_alert_threshold";
    let percent = read(THRESHOLD, u8::try_from(row.usage_alert_threshold))?;
    Ok(Notifications {
        email: row.email,
        system: row.system,
        updates: row.updates,
        security: row.security,
        billing: row.billing,
        marketing: row.marketing,
        sms: row.sms,
        push: row.push,
        usage_alerts: row.usage_alerts,
        usage_alert_threshold: read(THRESHOLD, UsageAlertThreshold::new(percent))?,
        frequency: read("notification_choice.frequency", row.frequency.parse())?,
    })
}

#[async_trait]
impl ProfileStore for SeaProfiles {
    async fn find(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        match self.0.ask(user_profile::Entity::of_user(user).one(self.0.reader())).await? {
            Some(row) => to_profile(row).map(Some),
            None => Ok(self.exists(user).await?.then(|| Profile::empty(user))),
        }
    }

    async fn patch(&self, user: UserId, patch: &ProfilePatch, record: &Record) -> Result<Option<Profile>, StoreError> {
        let change = |tx: Tx| async move {
            if locked_profile(&tx, user).await?.is_none() {
                return Ok(RollBack(None));
            }
            update_profile(&tx, user, patched(patch)).await?;
            let row = user_profile::Entity::of_user(user).one(&*tx).await?;
            Ok(Commit(row.map(to_profile).transpose()?))
        };
        self.0.change(record, change).await
    }

    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<&AvatarName>,
        record: &Record,
    ) -> Result<Option<Option<AvatarName>>, StoreError> {
        let change = |tx: Tx| async move {
            let Some(before) = locked_profile(&tx, user).await? else { return Ok(RollBack(None)) };
            let row = user_profile::ActiveModel { avatar: Set(avatar.map(ToString::to_string)), ..Default::default() };
            update_profile(&tx, user, row).await?;
            Ok(Commit(Some(to_profile(before)?.avatar)))
        };
        self.0.change(record, change).await
    }

    async fn notifications(&self, user: UserId) -> Result<Option<Notifications>, StoreError> {
        match self.0.ask(notification_choice::Entity::of_user(user).one(self.0.reader())).await? {
            Some(row) => to_choices(&row).map(Some),
            None => Ok(self.exists(user).await?.then(Notifications::default)),
        }
    }

    async fn patch_notifications(
        &self,
        user: UserId,
        patch: &NotificationPatch,
        record: &Record,
    ) -> Result<Option<Notifications>, StoreError> {
        let change = |tx: Tx| async move {
            let Some(row) = locked_choices(&tx, user).await? else { return Ok(RollBack(None)) };
            let after = patch.applied_to(to_choices(&row)?);
            let row = choices_row(user, &after).into_active_model().reset_all();
            let mine = notification_choice::Column::UserId.eq(user.uuid());
            notification_choice::Entity::update_many().set(row).filter(mine).exec(&*tx).await?;
            Ok(Commit(Some(after)))
        };
        self.0.change(record, change).await
    }
}
