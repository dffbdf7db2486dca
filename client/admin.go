package client

import (
	"context"
	"net/url"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Accounts lists accounts, the newest first. The caller has to be an admin, here
// and below.
func (c *Client) Accounts(ctx context.Context, f hub.AccountFilter) (hub.Page[hub.Account], error) {
	q := filled(map[string]string{"q": f.Query, "role": string(f.Role)})
	if f.Suspended {
		q.Set("suspended", "true")
	}
	return list[hub.Account](ctx, c, "/v1/admin/users", q, f.Paging)
}

// Account returns an account by its id, e-mail address or user name.
func (c *Client) Account(ctx context.Context, ref string) (hub.AccountDetail, error) {
	return get[hub.AccountDetail](ctx, c, "/v1/admin/users/"+seg(ref), nil)
}

// SetRole gives an account another role, and ends its sign-ins.
func (c *Client) SetRole(ctx context.Context, ref string, role hub.Role) (hub.AccountDetail, error) {
	return put[hub.AccountDetail](ctx, c, "/v1/admin/users/"+seg(ref)+"/role", hub.RoleChange{Role: role})
}

// Suspend closes every door to an account, and stops its labs.
func (c *Client) Suspend(ctx context.Context, ref string) (hub.AccountDetail, error) {
	return post[hub.AccountDetail](ctx, c, "/v1/admin/users/"+seg(ref)+"/suspend", nil)
}

// Unsuspend opens an account again.
func (c *Client) Unsuspend(ctx context.Context, ref string) (hub.AccountDetail, error) {
	return post[hub.AccountDetail](ctx, c, "/v1/admin/users/"+seg(ref)+"/unsuspend", nil)
}

// LabsInFlight lists the lab sessions that run, whoever's they are, the newest
// first.
func (c *Client) LabsInFlight(ctx context.Context, p hub.Paging) (hub.Page[hub.LabInFlight], error) {
	return list[hub.LabInFlight](ctx, c, "/v1/admin/labs", nil, p)
}

// StopLabInFlight stops somebody's lab.
func (c *Client) StopLabInFlight(ctx context.Context, session string) error {
	_, err := post[struct{}](ctx, c, "/v1/admin/labs/"+seg(session)+"/stop", nil)
	return err
}

// AuditLog lists who did what to which account, the newest first.
func (c *Client) AuditLog(ctx context.Context, f hub.AuditFilter) (hub.Page[hub.AuditEntry], error) {
	return list[hub.AuditEntry](ctx, c, "/v1/admin/audit", filled(map[string]string{"actor": f.ActorID, "subject": f.SubjectID, "action": f.Action}), f.Paging)
}

// Stats says how much there is of everything.
func (c *Client) Stats(ctx context.Context) (hub.Stats, error) {
	return get[hub.Stats](ctx, c, "/v1/admin/stats", nil)
}

// filled is a query of what isn't empty.
func filled(params map[string]string) url.Values {
	q := url.Values{}
	for name, value := range params {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}
