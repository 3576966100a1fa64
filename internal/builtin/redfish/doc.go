// Package redfish is Faultline's built-in plugin for storage that speaks
// Redfish or Swordfish: the management controllers of servers, disk enclosures
// and arrays. It is written with the public SDK, as any plugin is.
//
// # Way of the data
//
//	client    HTTP: sign-in, limits, retries           → bytes
//	reader    each document once, pages, gaps          → documents
//	walk      from the root along the links            → nodes: resources with ids and links
//	unite     the old and the new form of one thing    → each object once
//	memory    what was known before                    → stable identities, removals
//	plugin    Report, parents, statistics              → the session
//
// # What becomes what
//
//	Chassis                                       Chassis (Enclosure)
//	Storage/Controllers, StorageControllers       Controller (Controller)
//	Storage/Drives, Chassis/Drives, Links.Drives,
//	SimpleStorage Devices                         Drive (PhysicalDisk)
//	Storage/StoragePools                          Pool (StoragePool)
//	Storage/Volumes, a drive's Links.Volumes      Volume (LogicalDrive)
//	ThermalSubsystem/Fans, Thermal Fans           Fan (Fan)
//	Thermal Temperatures, Sensors of temperature  TemperatureSensor
//	PowerSubsystem/PowerSupplies, Power           PowerSupply
//
// Storage is looked for in computer systems (Systems, StorageSystems), at the
// root (Storage, StorageServices) and in a chassis's Links.Storage. Nothing is
// asked for that is not linked. Computer systems and managers are walked
// through but not reported.
//
// # Identity
//
// An object is identified within its service by the canonical path of its
// document, or, in an array, by the document's path, "#", the array and its
// MemberId. WWNs and serial numbers are attributes: on real machines they are
// shared and made up. A storage resource without a controller makes no
// Controller.
//
// # Once
//
//   - Fans, power supplies and controllers may be shown in an old form, a new form
//     or both. Objects of the two forms are paired by address, serial number,
//     location, name or member id, as far as those are unique in both lists, and
//     keep the identity of the new form. What is left over on both sides is taken
//     for one set under two naming schemes: there are as many objects as the
//     longer list has. An unpaired object with a bad health is never left out.
//   - A chassis's temperature sensors are those of Thermal, if that lists any, else
//     the thermometers among its Sensors. Sensors number in the hundreds, one request
//     each, and hold in new-form names what Thermal says; where both exist and
//     Sensors are cheap to read (at most 50, or the service can expand the list),
//     they add their limits and verdicts to the sensors of Thermal.
//   - A device of SimpleStorage is a drive unless the same system shows a drive in
//     Storage that is like it in name, model and capacity. If the service links the two
//     storages, they are one set, as above.
//   - Objects in state Absent (empty bays) are reported, as the service reports
//     them, without health and so without alerts.
//
// # Health
//
// The attribute health is Status.Health as the service gives it: Warning is a
// warning, Critical an error. None is "no verdict": no alert, and no claim that
// all is well. HealthRollup is shown but raises nothing: the graph does that.
// The verdict on a Storage goes to its controllers, where it is worse than theirs.
// Failure prediction is a warning of its own. A temperature without a verdict is
// compared to the sensor's own limits.
//
// # Parents
//
// A problem with the parent is a problem with the child:
//
//	Fan, PowerSupply, TemperatureSensor → Chassis
//	Chassis → Chassis that it contains, Controller, Drive
//	Controller → Pool and Volume of its storage; its drives, if it has neither
//	Drive → Pool, Volume
//	Pool → Pool, Volume
//
// The Service is no parent: that its management controller is silent does not
// make a drive sick. It is the scope of all it reports. Circles that a service
// describes are cut, at the edge that comes last in its own order.
//
// # Gaps
//
// A document that is linked but cannot be read (an error, no answer, no JSON)
// hides nothing else. It is named in the log and in the attribute
// unread_members of the Service, whose attribute unread counts such
// documents and raises an information alert. An initial scan with gaps says
// that it is incomplete, and so deletes nothing. An update removes an object
// only if every list that used to name it was read and names it no more, or
// is itself gone in that way; otherwise the object stays as last seen. An object
// in two forms of which one cannot be read keeps the values that the other had.
// If nothing but the root can be read, the scan fails.
//
// # Limits
//
// At most 4 requests at a time, 30 s and 8 MiB each; a busy service (503, 429) is
// asked once more after the time it wants, at most 10 s. At most 20,000
// documents and 1,000 pages a list; pages that repeat end a list. After 3 requests of
// one list without an answer in time the rest of that list is left alone; after 5
// failed requests in a row the root is asked, and if that fails too, the scan
// ends. Links and redirects to other hosts are not followed.
package redfish
