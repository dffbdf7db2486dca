package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/cloudmastershub/cmh/client/hub"
)

// ReportLab tells those who teach that the check of a step is wrong; 0 is the
// current step. Saying more replaces what was said.
func (c *Client) ReportLab(ctx context.Context, ref string, step int, text string) (hub.LabReport, error) {
	return post[hub.LabReport](ctx, c, "/v1/labs/"+seg(ref)+"/report", struct {
		Step int    `json:"step"`
		Text string `json:"text"`
	}{step, text})
}

// LabReports lists the open reports on the caller's labs, or on one of them,
// the newest first. The caller has to be an instructor.
func (c *Client) LabReports(ctx context.Context, lab string) ([]hub.LabReport, error) {
	q := url.Values{}
	if lab != "" {
		q.Set("lab", lab)
	}
	return get[[]hub.LabReport](ctx, c, "/v1/author/reports", q)
}

// SettleReport takes a report off the list.
func (c *Client) SettleReport(ctx context.Context, report string) error {
	return remove(ctx, c, "/v1/author/reports/"+seg(report))
}

// MarkCheck says whether the check of a step is broken, in the newest version
// of a lab.
func (c *Client) MarkCheck(ctx context.Context, lab string, step int, broken bool, note string) (hub.CheckMark, error) {
	return ask[hub.CheckMark](ctx, c, call{
		method: http.MethodPut, path: cut("/v1/author/labs/" + seg(lab) + "/steps/" + strconv.Itoa(step) + "/check"),
		body: struct {
			Broken bool   `json:"broken"`
			Note   string `json:"note"`
		}{broken, note},
	})
}
