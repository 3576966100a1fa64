// Package alert watches the conditions that resource classes declare.
//
// The stage follows the inventory: from a snapshot, then change by change. It
// evaluates a condition only when an attribute or a statistic that it names got
// a value. What a change raises and ends is committed at once, then shown to
// readers, then told to subscribers in one total order, by Alert.Seq.
//
// # Rules
//
//   - A condition watches one attribute, gauge or counter; severities are
//     independent of each other. Resource.Condition.Holds has the comparison.
//
//   - At most one alert is active for one (resource, condition, attribute,
//     severity). It ends when the condition no longer holds, when the class no
//     longer declares it, or with its resource. Ended alerts stay in the store;
//     a condition that holds again makes a new alert.
//
//   - A statistic is judged by its last sample of a change. Until it has one,
//     after a start too, its alerts stay as they are.
//
//   - The text of an alert is frozen when it is raised, so that it can be read
//     when the resource is gone.
//
//   - A root that is offline has an alert of its own, resource.OfflineCondition.
//
//   - At a start the stored alerts are compared with the snapshot: what still
//     holds goes on under its number, so a restart flaps nothing. Alerts of a
//     class that the server does not know now stay as they are.
//
//   - A condition with a duration raises its alert when it has held for so long
//     without a break. Since when it holds is stored beside the alerts; the alert
//     begins at that time plus the duration, however late it is evaluated. A
//     bound with a clear threshold ends its alert only there.
//
//   - An acknowledgement belongs to one alert and ends with it.
//
// # Effect
//
// An alert affects the descendants of its resource. That is never stored: it is
// computed from the live graph when somebody asks, and kept until an alert or
// an edge near it changes. See Health.
//
// The other way round, an alert belongs to the incidents of the topmost sick
// resources above its own. See Incidents.
package alert
