package httpapi

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// POST /v1/labs/{lab}/report
func (api) reportLab(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		Step int    `json:"step"`
		Text string `json:"text"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	r, err := as.ReportLab(c.Request.Context(), c.Param("lab"), b.Step, b.Text)
	return created{r}, err
}

// GET /v1/author/reports
func (api) labReports(c *gin.Context, as app.Actor) (any, error) {
	all, err := as.LabReports(c.Request.Context(), c.Query("lab"))
	return array(all), err
}

// DELETE /v1/author/reports/{report}
func (api) settleReport(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.SettleReport(c.Request.Context(), c.Param("report"))
}

// PUT /v1/author/labs/{lab}/steps/{step}/check
func (api) markCheck(c *gin.Context, as app.Actor) (any, error) {
	step, err := strconv.Atoi(c.Param("step"))
	if err != nil {
		return nil, hub.Errorf(hub.Invalid, "Steps are numbered from 1.")
	}
	var b struct {
		Broken *bool  `json:"broken"`
		Note   string `json:"note"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	if b.Broken == nil {
		return nil, missing("broken")
	}
	return as.MarkCheck(c.Request.Context(), c.Param("lab"), step, *b.Broken, b.Note)
}
