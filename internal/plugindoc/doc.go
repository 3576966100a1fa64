// Package plugindoc writes for operators what a plugin declares: what it reports, what
// it watches, how to add a controller. The same declarations give the same text,
// whatever the plugin is written in.
package plugindoc
