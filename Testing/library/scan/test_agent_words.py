"""Names of series that tell of a contrast agent, and those that deny it."""

from __future__ import annotations

import pytest

from BrainAgeLib.scan.agent_words import is_agent, names_agent

AFTER = """
t1c; t1ce; T1GD; P1_T1GD.nii.gz; T1POST; AX T1 POST; WITH CONTRAST; AX_T1_WITH_CONTRAST.nii.gz
T1 C; T1 mdc; t1_tse_tra +C; t1_se_tra_KM; AX T1 W/ CONTRAST; T1 w/gad; T1 con contraste
BraTS-GLI-00000-000-t1c.nii.gz; BraTS20_1_t1ce.nii.gz; T1 dopo mdc; T1 post mdc; T1 nach KM
t1 mit km; T1 apres injection; T1 gado; T1 avec gadolinium; Ax T1 Gd-DTPA; acq-gd; T1W_C
sub-1_acq-postgad_T1w; t1_mprage_postcontrast; POST GAD T1; T1 SE TRA GD; T1 po kontrascie
T1 med kontrast; T1+C; T1 FS +GAD; AX T1 FSE C+; AX T1 POST OP POST GAD; T1 pre post gad; ce_T1
CE-T1; T1 contrast; t1 tra c; T1 tra p2 +c; Sag T1 C/ contraste; mprage_gd; MPRAGE+Gd; T1 C+ AX
t1w_ce; t1 post contrast; T1 PostCon; T1 with Gadovist; GdT1; t1km; T1-KM; t1-c; T1 postgd
T1+ SAG; T1+ tra; SAG T1+ 3D; t1+_ax; T1 + 3D; T1+ MPR; T1 SE TRA + 5mm; T1 FLAIR +; T1 BLADE +
T1 DIXON+; T1+; T1 SE +; AX T1+; t1_tse_tra_p2+; T1+.nii.gz; MPRAGE +; T1 +KM; T1 + Gd; T1 KM+
T1 +MT +C
T1 s k.l.; T1_s_kl; T1 kontrastl\u0131; T1\u5897\u5f37; T1 \u9020\u5f71\u5f8c
T1 \u0441 \u043a\u043e\u043d\u0442\u0440\u0430\u0441\u0442\u043e\u043c; T1\u589e\u5f3a
"""
BEFORE = """
t1n; T1; t1_tse_tra_p2; without gd; T1_without_gd.nii.gz; T1 w/o gad; T1 W/O CONTRAST
AX_T1_WITHOUT_CONTRAST.nii.gz; T1 ohne KM; PRE GAD; T1 PRE GAD; T1 POST OP; T1 postop; T1 post-op
AX T1 PRE; t1 pre contrast; T1 precontrast; T1 noncontrast; T1 non contrast; T1 non-contrast
T1 nativ; T1 no contrast; T1 sans gado; T1 sans injection; T1 senza mdc; T1 sin contraste
T1 sem contraste; T1 s/ contraste; T1 bez kontrastu; T1 zonder contrast; T1 uten kontrast
T1 utan kontrast; T1 C-; T1 -C; T1 Gd-; T1 avant injection; T1 vor KM; T1 prima di mdc
T1 antes de contraste; T1 POST FOSSA; posterior fossa T1; T1 C SPINE; control_T1; T1 control
phase contrast; T1 unenhanced; T1 nongad; T1_pregad; sub-1_acq-nogad_T1w; sub-c_T1w.nii.gz
C_001_T1.nii.gz; T1 post surgery; T1 post RT; T1 wo contrast; head injury T1; T1 post treatment
acq-pregd; T1 native; COR T1; T1 not enhanced; T1 before gad; contralateral T1; CM01_T1; K_T1
sub-1_ce-none_T1w; T1 contrast: no; gad_off T1
AX T1 SE+FS; T1 + FATSAT; T1 5+1mm; T1+T2; t1_se_tra +MT; AX T1 TSE 5mm+1mm gap; SENSE+ T1
DLR+ T1 AX; t1_space_sag_p2_iso+AI; sub-01_acq-5+1_T1w; scale1e+06.nii.gz; T1 AX (DR+)
T1 FLAIR PROPELLER+
T1 kontrasts\u0131z; T1_kontrastsiz; T1 \u9020\u5f71\u524d
T1 \u0431\u0435\u0437 \u043a\u043e\u043d\u0442\u0440\u0430\u0441\u0442\u0430
"""


def listed(text: str) -> list[str]:
    return [name.strip() for line in text.strip().splitlines() for name in line.split(";")]


@pytest.mark.parametrize("name", listed(AFTER))
def test_names_after_contrast_agent(name):
    assert names_agent(name)


@pytest.mark.parametrize("name", listed(BEFORE))
def test_names_before_or_without(name):
    assert not names_agent(name)


@pytest.mark.parametrize(
    "field", ["Gadovist", "DOTAREM", "7.5 ml Gd", "YES", "Magnevist 0.1", "CONTRAST", "IV contrast"]
)
def test_fields_that_name_an_agent(field):
    assert is_agent(field)


@pytest.mark.parametrize(
    "field",
    ["", "NO", "NONE", "N", "NO CONTRAST", "WITHOUT", "n/a", "nil", "0", "0 ml", "none given", "-"]
    + ["No IV contrast", "ohne KM", "nativ", "Without contrast", "w/o", "pre contrast"],
)
def test_fields_that_say_there_was_none(field):
    assert not is_agent(field)
