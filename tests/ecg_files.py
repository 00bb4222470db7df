"""Writers of small files in the formats of ECG devices, for tests."""

import base64
import textwrap

import numpy as np

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def coded(samples, width=76):
    """16-bit integers in base64, broken over lines."""
    data = base64.b64encode(np.asarray(samples).astype("<i2").tobytes()).decode()
    return "\n".join(textwrap.wrap(data, width))


def integers(signal, microvolts):
    return np.round(np.asarray(signal) * 1000 / microvolts).astype(int)


def muse_lead(name, samples, per_bit="4.88", units="MICROVOLTS", extra=""):
    return f"""<LeadData>
<LeadByteCountTotal>{2 * len(samples)}</LeadByteCountTotal>
<LeadTimeOffset>0</LeadTimeOffset>
<LeadSampleCountTotal>{len(samples)}</LeadSampleCountTotal>
<LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit>
<LeadAmplitudeUnits>{units}</LeadAmplitudeUnits>
<LeadHighLimit>2147483647</LeadHighLimit>
<LeadLowLimit>268435456</LeadLowLimit>
<LeadID>{name}</LeadID>
<LeadOffsetFirstSample>0</LeadOffsetFirstSample>
<FirstSampleBaseline>0</FirstSampleBaseline>
<LeadSampleSize>2</LeadSampleSize>
<LeadOff>FALSE</LeadOff>
<BaselineSway>FALSE</BaselineSway>
<LeadDataCRC32>1023884912</LeadDataCRC32>
<WaveFormData>
{coded(samples)}
</WaveFormData>
{extra}</LeadData>"""


def muse_waveform(kind, leads, base=500, exponent=0, **options):
    """A waveform of GE MUSE XML from ``{lead: integers}``."""
    return f"""<Waveform>
<WaveformType>{kind}</WaveformType>
<WaveformStartTime>0</WaveformStartTime>
<NumberofLeads>{len(leads)}</NumberofLeads>
<SampleType>CONTINUOUS_SAMPLES</SampleType>
<SampleBase>{base}</SampleBase>
<SampleExponent>{exponent}</SampleExponent>
<HighPassFilter>16</HighPassFilter>
<LowPassFilter>150</LowPassFilter>
<ACFilter>NONE</ACFilter>
{"".join(muse_lead(name, samples, **options) for name, samples in leads.items())}
</Waveform>"""


def muse_diagnosis(tag, statements):
    """Statements are texts, or pairs of text and flags."""
    parts = []
    for statement in statements:
        text, *flags = (statement, "ENDSLINE") if isinstance(statement, str) else statement
        flags = "".join(f"<StmtFlag>{flag}</StmtFlag>" for flag in flags)
        parts.append(f"<DiagnosisStatement>{flags}<StmtText>{text}</StmtText></DiagnosisStatement>")
    return f"<{tag}><Modality>RESTING</Modality>{''.join(parts)}</{tag}>"


def muse_document(*waveforms, diagnosis="", encoding="ISO-8859-1", patient="4711", doctype=True):
    declared = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n' if doctype else ""
    return f"""<?xml version="1.0" encoding="{encoding}"?>
{declared}<RestingECG>
<MuseInfo><MuseVersion>9.0.10.18530</MuseVersion></MuseInfo>
<PatientDemographics>
<PatientID>{patient}</PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>
<DateofBirth>03-04-1957</DateofBirth><Gender>FEMALE</Gender>
<PatientLastName>MÜLLER</PatientLastName><PatientFirstName>ERIKA</PatientFirstName>
</PatientDemographics>
<TestDemographics>
<DataType>RESTING</DataType><AcquisitionDevice>MAC55</AcquisitionDevice>
<AcquisitionTime>10:11:12</AcquisitionTime><AcquisitionDate>05-06-2020</AcquisitionDate>
</TestDemographics>
<RestingECGMeasurements>
<VentricularRate>72</VentricularRate><AtrialRate>72</AtrialRate><PRInterval>160</PRInterval>
<QRSDuration>88</QRSDuration><QTInterval>390</QTInterval><QTCorrected>426</QTCorrected>
<PAxis>50</PAxis><RAxis>-12</RAxis><TAxis>40</TAxis>
<ECGSampleBase>500</ECGSampleBase><ECGSampleExponent>0</ECGSampleExponent>
</RestingECGMeasurements>
{diagnosis}
{"".join(waveforms)}
</RestingECG>""".encode(encoding)


def muse_bytes(signal, names, *, per_bit=4.88, n_median=600, **options):
    """A file as MUSE exports it: the median beat, then the rhythm strip, of eight leads.

    Parameters
    ----------
    signal : array of shape (n_leads, n_times)
        In mV.
    names : sequence of str
    """
    samples = dict(zip(names, integers(signal, per_bit), strict=True))
    rhythm = {name: samples[name] for name in EIGHT}
    median = {name: np.arange(n_median) - 300 + k for k, name in enumerate(EIGHT)}
    return muse_document(
        muse_waveform("Median", median, per_bit=per_bit),
        muse_waveform("Rhythm", rhythm, per_bit=per_bit),
        **options,
    )
