"""Who may do what, as one table: roles are sets of permissions. Routes ask for a permission, never for a role."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that somebody may do, each at the places and departments that a grant names."""

    view_catalogue = "view_catalogue"  # classes, limits, the model's card
    view_points = "view_points"
    manage_points = "manage_points"
    view_captures = "view_captures"
    send_photos = "send_photos"
    open_originals = "open_originals"  # faces, plates and all; each look is written down with its reason
    view_issues = "view_issues"
    report_issues = "report_issues"  # by hand: a class that no model sees, a call, a letter
    review_issues = "review_issues"  # confirm, reject, merge, change the class
    dispatch_issues = "dispatch_issues"  # send to a post, take back what was returned
    handle_issues = "handle_issues"  # accept, work, rectify, return, ask for more time
    close_issues = "close_issues"  # sign off what was rectified, or refuse it; reopen
    waive_after_photo = "waive_after_photo"  # close without a picture of the repair
    decide_extensions = "decide_extensions"  # grant or refuse more time; suspend and resume
    whistle = "whistle"  # a community calls departments, and rates them
    supervise_issues = "supervise_issues"  # 督办, and what province, city or district notified
    view_audit = "view_audit"
    view_routing = "view_routing"
    manage_routing = "manage_routing"  # departments, communities, posts, rules
    view_patrols = "view_patrols"
    walk_patrols = "walk_patrols"  # visits and checklists
    manage_patrols = "manage_patrols"  # standards and rounds
    view_reports = "view_reports"
    publish_reports = "publish_reports"  # bulletins
    record_talks = "record_talks"  # 约谈
    view_cameras = "view_cameras"
    manage_cameras = "manage_cameras"
    manage_models = "manage_models"  # trainings, thresholds chosen from verdicts, which version is in force
    view_metrics = "view_metrics"  # figures of the service itself, for whoever runs it
    manage_clocks = "manage_clocks"  # limits, calendar, escalation
    manage_webhooks = "manage_webhooks"
    manage_users = "manage_users"  # users, grants, everybody's keys


#: What concerns the whole office: a grant that is limited to a community, a department or a point does not give it.
OFFICE_WIDE = frozenset(
    (
        Permission.view_audit,
        Permission.manage_routing,
        Permission.manage_patrols,
        Permission.publish_reports,
        Permission.record_talks,
        Permission.manage_cameras,
        Permission.manage_models,
        Permission.view_metrics,
        Permission.manage_clocks,
        Permission.manage_webhooks,
        Permission.manage_users,
    )
)


class Role(StrEnum):
    """What somebody is in the office."""

    viewer = "viewer"
    inspector = "inspector"  # 巡查员
    reviewer = "reviewer"  # 审核员
    handler = "handler"  # 部门经办人
    secretary = "secretary"  # 社区第一书记
    line_leader = "line_leader"  # 分管领导
    supervisor = "supervisor"  # 督查员
    engineer = "engineer"  # 模型工程师
    admin = "admin"


_LOOK = frozenset(
    (
        Permission.view_catalogue,
        Permission.view_points,
        Permission.view_captures,
        Permission.view_issues,
        Permission.view_routing,
        Permission.view_patrols,
        Permission.view_reports,
        Permission.view_cameras,
    )
)
_INSPECT = _LOOK | {Permission.send_photos, Permission.report_issues, Permission.walk_patrols}
_HANDLE = _LOOK | {Permission.send_photos, Permission.handle_issues}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.viewer: _LOOK,
    Role.inspector: _INSPECT,
    Role.reviewer: _INSPECT | {Permission.review_issues, Permission.dispatch_issues, Permission.close_issues},
    Role.handler: _HANDLE,
    Role.secretary: _HANDLE | {Permission.report_issues, Permission.dispatch_issues, Permission.whistle},
    Role.line_leader: _HANDLE
    | {
        Permission.report_issues,
        Permission.dispatch_issues,
        Permission.decide_extensions,
        Permission.supervise_issues,
    },
    Role.supervisor: _INSPECT
    | {
        Permission.close_issues,
        Permission.decide_extensions,
        Permission.supervise_issues,
        Permission.view_audit,
        Permission.view_metrics,
        Permission.manage_patrols,
        Permission.publish_reports,
        Permission.record_talks,
        Permission.waive_after_photo,
        Permission.open_originals,
    },
    Role.engineer: _INSPECT | {Permission.review_issues, Permission.manage_models, Permission.manage_cameras},
    Role.admin: frozenset(Permission),
}
