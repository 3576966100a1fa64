package api

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on an acknowledgement.
const (
	maxUser    = 200
	maxComment = 4000
	maxIDs     = 100_000
)

// userKey is where the context of a request has the name of its token.
type userKey struct{}

// userOf returns the name of a request's token; empty if it needs none.
func userOf(ctx context.Context) string {
	name, _ := ctx.Value(userKey{}).(string)
	return name
}

// author returns who acts: the name of the token, or else the name that the
// client gives.
func author(ctx context.Context, given string) (string, error) {
	if name := userOf(ctx); name != "" {
		return name, nil
	}
	given = strings.TrimSpace(given)
	switch {
	case given == "":
		return "", resource.FieldErrorf("user", "say who you are: without a token, the server knows no name")
	case utf8.RuneCountInString(given) > maxUser || strings.ContainsFunc(given, unicode.IsControl):
		return "", resource.FieldErrorf("user", "a name has at most %d characters and no control characters", maxUser)
	}
	return given, nil
}

func checkComment(text string) (string, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxComment {
		return "", resource.FieldErrorf("comment", "a comment has at most %d characters", maxComment)
	}
	return text, nil
}

// acknowledge checks and notes an acknowledgement.
func (h *handlers) acknowledge(ctx context.Context, which resource.AlertSelection, user, comment string) ([]*resource.Alert, error) {
	user, err := author(ctx, user)
	if err != nil {
		return nil, err
	}
	if comment, err = checkComment(comment); err != nil {
		return nil, err
	}
	return h.alerts.Acknowledge(ctx, which, user, comment)
}

func oneAlert(id int64) (resource.AlertSelection, error) {
	if id < 1 {
		return resource.AlertSelection{}, resource.FieldErrorf("id", "id must be a positive integer")
	}
	return resource.AlertSelection{IDs: []resource.AlertID{resource.AlertID(id)}}, nil
}

// AcknowledgeAlert notes that somebody knows of an alert.
func (h *handlers) AcknowledgeAlert(ctx context.Context, req gen.AcknowledgeAlertRequestObject) (gen.AcknowledgeAlertResponseObject, error) {
	which, err := oneAlert(req.ID)
	if err != nil {
		return nil, err
	}
	list, err := h.acknowledge(ctx, which, req.Body.User, req.Body.Comment)
	if err != nil {
		return nil, err
	}
	return gen.AcknowledgeAlert200JSONResponse(h.view.Alert(list[0])), nil
}

// UnacknowledgeAlert takes an acknowledgement back.
func (h *handlers) UnacknowledgeAlert(ctx context.Context, req gen.UnacknowledgeAlertRequestObject) (gen.UnacknowledgeAlertResponseObject, error) {
	which, err := oneAlert(req.ID)
	if err != nil {
		return nil, err
	}
	list, err := h.alerts.Unacknowledge(ctx, which)
	if err != nil {
		return nil, err
	}
	return gen.UnacknowledgeAlert200JSONResponse(h.view.Alert(list[0])), nil
}

// AcknowledgeAlerts notes that somebody knows of several alerts.
func (h *handlers) AcknowledgeAlerts(ctx context.Context, req gen.AcknowledgeAlertsRequestObject) (gen.AcknowledgeAlertsResponseObject, error) {
	b := req.Body
	which, err := selection(gen.BulkUnacknowledge{Ids: b.Ids, Severity: b.Severity, Plugin: b.Plugin, Class: b.Class, Resource: b.Resource, Q: b.Q})
	if err != nil {
		return nil, err
	}
	list, err := h.acknowledge(ctx, which, b.User, b.Comment)
	if err != nil {
		return nil, err
	}
	return gen.AcknowledgeAlerts200JSONResponse(changedAlerts(list)), nil
}

// UnacknowledgeAlerts takes the acknowledgement of several alerts back.
func (h *handlers) UnacknowledgeAlerts(ctx context.Context, req gen.UnacknowledgeAlertsRequestObject) (gen.UnacknowledgeAlertsResponseObject, error) {
	which, err := selection(*req.Body)
	if err != nil {
		return nil, err
	}
	list, err := h.alerts.Unacknowledge(ctx, which)
	if err != nil {
		return nil, err
	}
	return gen.UnacknowledgeAlerts200JSONResponse(changedAlerts(list)), nil
}

// selection reads which alerts a body names. A body that names none is an
// error: nobody means all alerts without saying so.
func selection(b gen.BulkUnacknowledge) (which resource.AlertSelection, err error) {
	filtered := len(b.Severity) > 0 || b.Plugin != nil || b.Class != nil || b.Resource != nil || strings.TrimSpace(deref(b.Q)) != ""
	switch {
	case filtered && len(b.Ids) > 0:
		return which, resource.FieldErrorf("ids", "name alerts by ids or by what they have in common, not by both")
	case !filtered && len(b.Ids) == 0:
		return which, resource.FieldErrorf("ids", "name alerts by ids, or by severity, plugin, class, resource or q")
	case len(b.Ids) > maxIDs:
		return which, resource.FieldErrorf("ids", "at most %d alerts can be named at once", maxIDs)
	}
	for _, id := range b.Ids {
		if id < 1 {
			return which, resource.FieldErrorf("ids", "the ids must be positive integers")
		}
		which.IDs = append(which.IDs, resource.AlertID(id))
	}
	if !filtered {
		return which, nil
	}
	q := &resource.AlertQuery{Text: deref(b.Q)}
	if q.Plugin, q.Class, err = classFilter(b.Plugin, b.Class); err != nil {
		return which, err
	}
	if q.Resource, err = idFilter("resource", b.Resource); err != nil {
		return which, err
	}
	if q.Severities, err = severityFilter(b.Severity); err != nil {
		return which, err
	}
	which.Query = q
	return which, nil
}

func changedAlerts(list []*resource.Alert) gen.ChangedAlerts {
	out := gen.ChangedAlerts{Count: len(list), Ids: make([]int64, len(list))}
	for i, a := range list {
		out.Ids[i] = int64(a.ID)
	}
	return out
}
