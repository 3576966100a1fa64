package api

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxNames bounds the hosts that a request names.
const maxNames = 1000

// ListVolumes lists the logical drives that hosts can reach.
func (h *handlers) ListVolumes(_ context.Context, req gen.ListVolumesRequestObject) (gen.ListVolumesResponseObject, error) {
	at, p := h.position(), req.Params
	q := resource.VolumeQuery{
		Category: deref(p.Category), Host: deref(p.Host), Primary: deref(p.Primary), Text: deref(p.Q), Sort: deref(p.Sort), Cursor: deref(p.Cursor),
	}
	var err error
	if q.FileSystem, err = idFilter("filesystem", p.Filesystem); err != nil {
		return nil, err
	}
	if q.Limit, err = limit(p.Limit, resource.DefaultLimit, resource.MaxLimit); err != nil {
		return nil, err
	}
	page, err := h.volumes.List(q)
	if err != nil {
		return nil, err
	}
	list := gen.VolumeList{Items: make([]gen.Volume, len(page.Items)), Next: page.Next}
	for i, v := range page.Items {
		list.Items[i] = h.view.Volume(v)
	}
	return gen.ListVolumes200JSONResponse{Body: list, Headers: gen.ListVolumes200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// GetVolume returns one volume.
func (h *handlers) GetVolume(_ context.Context, req gen.GetVolumeRequestObject) (gen.GetVolumeResponseObject, error) {
	at := h.position()
	if req.ID < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	v := h.volumes.Get(resource.ID(req.ID))
	if v == nil {
		return nil, h.noVolume(resource.ID(req.ID))
	}
	return gen.GetVolume200JSONResponse{Body: h.wholeVolume(v), Headers: gen.GetVolume200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// noVolume tells a resource that is no volume from one that is not there.
func (s *Server) noVolume(id resource.ID) error {
	r := s.inventory.Get(id)
	switch {
	case r == nil:
		return notFound("there is no volume %d", id)
	case r.Class.Is(resource.BaseLogicalDrive):
		return notFound("%s (%s %d) is no volume: no host reaches it by a device node of its own, or it is mounted or a member of something else",
			r.Name(), r.Class.FullName(), id)
	}
	return notFound("%s (%s %d) is no logical drive, so it is no volume", r.Name(), r.Class.FullName(), id)
}

// EditVolume decides about a volume.
func (h *handlers) EditVolume(ctx context.Context, req gen.EditVolumeRequestObject) (gen.EditVolumeResponseObject, error) {
	if req.ID < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	b := req.Body
	if b.Alias == nil && b.Primary == nil && b.Secondary == nil && b.Unused == nil {
		return nil, resource.Errorf(resource.Invalid, "give alias, primary, secondary or unused")
	}
	e := resource.VolumeEdit{Unused: b.Unused}
	var err error
	if e.Alias, err = parseAlias(b.Alias); err != nil {
		return nil, err
	}
	if e.Primary, err = parseHost("primary", b.Primary); err != nil {
		return nil, err
	}
	if e.Secondary, err = parseHost("secondary", b.Secondary); err != nil {
		return nil, err
	}
	if b.Unused != nil && len(*b.Unused) > maxNames {
		return nil, resource.FieldErrorf("unused", "at most %d hosts can be named", maxNames)
	}
	// Who decides is noted if it is known. It need not be.
	if name, err := author(ctx, b.User); err == nil {
		e.By = name
	} else if strings.TrimSpace(b.User) != "" {
		return nil, err
	}
	v, err := h.volumes.Edit(ctx, resource.ID(req.ID), e)
	if err != nil {
		if resource.KindOf(err) == resource.NotFound {
			err = h.noVolume(resource.ID(req.ID))
		}
		return nil, err
	}
	return gen.EditVolume200JSONResponse(h.wholeVolume(v)), nil
}

// parseHost reads a host of an edit: nil if it is not there, and empty for null.
func parseHost(field string, raw json.RawMessage) (*string, error) {
	if raw == nil {
		return nil, nil
	}
	var name *string
	if err := json.Unmarshal(raw, &name); err != nil {
		return nil, resource.FieldErrorf(field, "%s must be a string or null: the name or ID of a host, as text", field)
	}
	switch {
	case name == nil:
		return new(string), nil
	case strings.TrimSpace(*name) == "":
		return nil, resource.FieldErrorf(field, "%s may not be blank; null is the server's choice, and \"none\" is no host", field)
	}
	return name, nil
}

// wholeVolume renders a volume with its candidates.
func (s *Server) wholeVolume(v *resource.Volume) gen.Volume {
	out := s.view.Volume(v)
	for _, c := range s.volumes.Candidates(v.ID) {
		item := gen.VolumeCandidate{
			Host: c.Host, HostID: c.HostID, Role: gen.VolumeRole(c.Role), Primaries: c.Primaries, InUse: c.Used, Cluster: c.Cluster, Problem: c.Problem,
		}
		if c.Weighted {
			item.Weight = &c.Weight
		}
		out.Candidates = append(out.Candidates, item)
	}
	return out
}

// ListClusters lists the HA clusters.
func (h *handlers) ListClusters(context.Context, gen.ListClustersRequestObject) (gen.ListClustersResponseObject, error) {
	list := gen.ClusterList{Items: []gen.Cluster{}}
	for _, k := range h.volumes.Clusters() {
		list.Items = append(list.Items, cluster(&k))
	}
	return gen.ListClusters200JSONResponse(list), nil
}

// DeclareCluster declares an HA cluster.
func (h *handlers) DeclareCluster(ctx context.Context, req gen.DeclareClusterRequestObject) (gen.DeclareClusterResponseObject, error) {
	if len(req.Body.Hosts) > maxNames {
		return nil, resource.FieldErrorf("hosts", "at most %d hosts can be named", maxNames)
	}
	k, err := h.volumes.Declare(ctx, req.Body.Name, req.Body.Hosts)
	if err != nil {
		return nil, err
	}
	return gen.DeclareCluster200JSONResponse(cluster(&k)), nil
}

// RemoveCluster takes a declared HA cluster back.
func (h *handlers) RemoveCluster(ctx context.Context, req gen.RemoveClusterRequestObject) (gen.RemoveClusterResponseObject, error) {
	if err := h.volumes.Undeclare(ctx, req.Name); err != nil {
		return nil, err
	}
	return gen.RemoveCluster204Response{}, nil
}

func cluster(k *resource.KnownCluster) gen.Cluster {
	out := gen.Cluster{
		Name: k.Name, Source: gen.ClusterSource(k.Source), Hosts: orEmpty(k.Hosts), Members: orEmpty(k.Members), Missing: orEmpty(k.Missing),
		Problems: k.Problems,
	}
	if out.Problems == nil {
		out.Problems = map[string]string{}
	}
	return out
}
